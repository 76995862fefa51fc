import type { SubjectPhrases } from "./phrasings.ts"

export const pets: SubjectPhrases = {
  question: {
    train: [
      "What are the names of the {k}s of {p}?",
      "What is the {k} of {p} called?",
      "Which {k}s does {p} have?",
      "What is the name of the {k} of {p}?",
      "What {k}s does {p} have?",
      "How are the {k}s of {p} called?",
      "(What|How) (is|are) the {k}(|s) (of {p}|that {p} has|{p} owns) (called|named)?",
      "(Tell me|Do you know|Can you tell me|Remind me) the (name|names) of the {k}(|s) of {p}(.|?)",
      "What (name|names) (do|does) the {k}(|s) of {p} have?",
      "Which {k}s (live|are living) with {p}?",
      "Which {k}(|s) (does {p} own|does {p} keep|belongs to {p}|belong to {p})?",
      "What does {p} call (the|that) {k}(|s)?",
      "Name the {k}(|s) of {p}.",
      "Who are the {k}s (of|that live with|belonging to) {p}?",
      "How did {p} name the {k}(|s)?",
      "{p} has {k}s (called|named) what?",
      "What (is|are) the (name|names) of the {k}(|s) (that {p} has|{p} owns|in the home of {p})?"
    ],
    heldOut: [
      "Name every {k} that {p} owns.",
      "What did {p} name the {k}?",
      "Which names do the {k}s of {p} have?"
    ]
  },
  new: {
    train: [
      "I (have|got) a {k} (named|called) {v}.",
      "(I|We) (just |recently |finally |)(adopted|bought|got|rescued) a {k} (named|called) {v}(|, so cute).",
      "My {k} is (called|named) {v}.",
      "My {k} {v} (is so sweet|loves to play|sleeps all day|made a mess).",
      "I (took|brought) (in|home) a {k}, its name is {v}.",
      "The name of my {k} is {v}.",
      "I have a pet {k}, {v}.",
      "(There is|We have) a {k} in (our|my) (house|home), {v}.",
      "I own a {k} named {v}.",
      "I share my home with a {k}, {v}.",
      "{v} is my {k}.",
      "I got a {k} (for my birthday|as a gift) and named it {v}.",
      "I (keep|look after|care for|feed) a {k} (named|called) {v}(| at home).",
      "(I|We) (picked up|brought home|welcomed|took home) a {k}(,| named| called) {v}(| today| yesterday| last week).",
      "There's a (new |little |small |)(animal|pet) in (my|our) (house|home|family), a {k} (named|called) {v}.",
      "{v} is (the name of my|what I call my) {k}.",
      "I (named|call) my {k} {v}.",
      "My (pet|little friend|animal) is a {k} (named|called) {v}.",
      "A {k} (came|moved) into (my|our) (life|home), (I call it|its name is|it's called|we named it) {v}.",
      "I (found|saved) a {k} (on the street|in the rain|at the shelter)(,| and) (called it|named it|its name is) {v}.",
      "My (parents|friends|family) (gave|bought|got) me a {k}, (called|named|its name is) {v}.",
      "(Did I mention|Have I told you about|Have you met) {v}, my {k}?",
      "I (have|own|keep) one {k}, (its name is |called |named |){v}.",
      "{v} the {k} (lives with me|is mine|is my pet)(| now).",
      "My {k} {v} (is hungry|is sleeping|barks at nothing|jumped on me|is so cute|makes me laugh).",
      "I'm (now |)the owner of {v}, a (lovely|cute|sweet|young) {k}.",
      "(We|I) have a (lovely|cute|sweet|funny|young|old) {k}(,| named| called) {v}.",
      "I (wanted|needed) (a pet|company), so I (got|bought|adopted) {v}, a {k}."
    ],
    heldOut: [
      "A {k} called {v} lives with me.",
      "Meet {v}, my {k}.",
      "I'm the proud owner of a {k}, {v}.",
      "My {k} answers to the name {v}.",
      "I welcomed a {k} into my life and its name is {v}."
    ]
  },
  add: {
    train: [
      "(I|We) (adopted|bought|got|rescued) another {k}, {v}.",
      "(I|We) (just |)(adopted|got) a second {k} (named|called) {v}.",
      "{o} has a (new |)(friend|companion|brother|sister) now, (a {k} named|another {k} called) {v}.",
      "I (have|got) one more {k}, {v}.",
      "(Now|Besides {o}) I also have a {k} named {v}.",
      "(I|We) took in another {k}(| today| last week), its name is {v}.",
      "{v} is my new {k}, {o} likes (the company|to play with {v}).",
      "I brought home a {k} to keep {o} company, {v}.",
      "We have an extra {k} now, {v}.",
      "In addition to {o}, I (got|adopted) a {k} called {v}.",
      "(I|We) now have two {k}s, {o} and {v}.",
      "A (second|new|further) {k} (joined|came to) (us|{o}|my home|our family): {v}.",
      "(Next to|Along with|Apart from|On top of) {o}(|,) I (have|own|keep|got) {v}, (another|a second|also a) {k}.",
      "I (welcomed|picked up|brought home|took home) (another|a second|one more) {k}(,| named| called) {v}.",
      "{o} is not (alone|lonely|the only {k}) (anymore|any longer|now), (we got|I got|I adopted|there is) {v}(|, another {k}).",
      "(Another|One more|A further) {k} (lives|is living|moved in) with me (now|too)(,|:) {v}.",
      "(My|Our) {k} family (grew|got bigger)(,| with) {v} (is new|joined {o}|is here too).",
      "I couldn't resist(,| and) (I got|adopted|bought) (another|a second|one more) {k}, {v}.",
      "I have {v} (too|as well|in addition)(,| now,) (my other|another) {k}.",
      "{v} (joined|is here with|now lives with|plays with) {o}, (my other|my new|another) {k}.",
      "I also (own|keep|have|adopted|bought) a {k} (called|named) {v}(| now|, besides {o}).",
      "(Now|From now on) there are more {k}s here, {v} (came to|joined) {o}.",
      "My (second|other|new|latest) {k} is (called|named) {v}.",
      "(My|Our) {k}s are (more|getting more)(|,) now {v} (is here too|lives here as well|came too).",
      "(They|A friend|The shelter) gave me (another|a second|one more) {k}, {v}."
    ],
    heldOut: [
      "{o} got company: a {k} called {v} moved in too.",
      "The family grew by one more {k}, {v}.",
      "Yet another {k} in my house, {v}.",
      "Along with {o} there's now {v}, also a {k}."
    ]
  },
  remove: {
    train: [
      "My {k} {o} (died|passed away)(| last week| yesterday).",
      "I (gave away|sold|gave up) my {k} {o}.",
      "{o}(|, my {k},) (ran away|is gone|went missing) and (won't|didn't) come back.",
      "I had to give {o}, my {k}, to (my uncle|a friend|my aunt).",
      "My {k} {o} lives with (my uncle|my parents|a friend) now, not with me.",
      "I (don't|no longer) have my {k} {o}(| anymore).",
      "(Sadly|Sad news|Bad news)(,|:) (my {k} {o}|{o}, my {k},) (died|passed away|is dead|is no more|ran off).",
      "I (lost|had to say goodbye to|buried) (my {k} {o}|{o}, my {k})(| last week| yesterday| today).",
      "{o}, my {k}, (has died|is dead|got lost|escaped|was stolen|found a new home)(| last week|, so sad).",
      "I (found|looked for) a (new|better|good) home for (my {k} {o}|{o}, my {k})(|, so it's not mine anymore).",
      "(My {k} {o}|{o}, my {k},) (is not|isn't|is no longer) with me (anymore|any longer|now).",
      "(Someone|A neighbor|A family|My cousin) (took|adopted|bought) (my {k} {o}|{o}, my {k},)(| from me), it's gone.",
      "I (returned|gave|brought) (my {k} {o}|{o}, my {k},) (back|away|to the shelter|back to the shelter).",
      "I had to (let go of|part with|sell|give up) (my {k} {o}|{o}, my {k}).",
      "{o} is (not|no longer) my {k}(| anymore| any longer).",
      "There's no {o} in my home anymore, my {k} (died|is gone|ran away)."
    ],
    heldOut: [
      "We lost our {k} {o}.",
      "{o} the {k} found a new owner.",
      "I said a last goodbye to my {k} {o}."
    ]
  },
  again: {
    train: [
      "My {k} {v} is (doing well|fine|as lovely as ever).",
      "(As you know|Like I said), I have a {k} named {v}.",
      "I took my {k} {v} to the (vet|park) (today|yesterday).",
      "{v}, my {k}, (slept on my bed|ate my shoes|was funny today).",
      "I fed my {k} {v} (just now|this morning).",
      "I still have my {k} {v}.",
      "I (walked|brushed|washed|played with|cuddled) my {k} {v}(| again| today| yesterday| this morning).",
      "My {k} {v} (is asleep|is playing|is happy|was naughty|says hi|is at my feet|kept me awake)(| again| today| right now).",
      "{v} is (a good {k}|still my {k}|a lovely {k}|such a sweet {k}).",
      "I (told|mentioned to) you (that I have a {k} named|about my {k}|about) {v}(|, you know).",
      "(It's|It was) fun with {v}(|,) my {k}(| today| yesterday| again).",
      "(Remember|Don't forget), (my {k} is called|I have a {k} named) {v}.",
      "(Nothing new|All is well)(,| at home,) {v}, my {k}, is (fine|well|healthy).",
      "{v} the {k} is (well|fine|healthy|happy|still here|still with me).",
      "I (bought|got) (a toy|some food|a treat|a bed) for my {k} {v}.",
      "My {k} {v} (still lives with me|is still here|is growing|turned a year older)."
    ],
    heldOut: [
      "My {k} {v} keeps me busy(| as usual).",
      "I was playing with {v}, my {k}, all afternoon.",
      "{v} the {k} sends greetings."
    ]
  }
}

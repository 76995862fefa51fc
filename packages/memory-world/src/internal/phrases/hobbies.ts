import type { SubjectPhrases } from "./phrasings.ts"

export const hobbies: SubjectPhrases = {
  question: {
    train: [
      "What are the hobbies of {p}?",
      "Which hobbies does {p} have?",
      "What does {p} do for fun?",
      "What is the hobby of {p}?",
      "What does {p} enjoy in the free time?",
      "What does {p} (like|love|enjoy)(| to do| doing)(| most| in spare time| at weekends| after work)?",
      "What does {p} do (in the free time|after work|at weekends|on weekends|in spare time|to relax|as a hobby|for pleasure)?",
      "What (is|are) the (pastime|pastimes|favorite activities|interests|leisure activities) of {p}?",
      "(Tell me|Do you know|Can you tell me|Remind me) (what {p} does for fun|the hobbies of {p}|what {p} enjoys)(.|?)",
      "Name the (hobby|hobbies|pastimes) of {p}.",
      "What is {p} (into|fond of|interested in|passionate about)?",
      "What (keeps|makes) {p} (busy after work|happy in the free time|busy at weekends)?",
      "{p} enjoys (what|which hobbies|what activities)?"
    ],
    heldOut: [
      "How does {p} spend free time?",
      "What pastimes does {p} have?"
    ]
  },
  new: {
    train: [
      "My hobby is {v}.",
      "I (enjoy|love|do) {v} in my free time.",
      "I (took up|started|got into|discovered) {v}.",
      "For fun, I do {v}.",
      "I spend my weekends on {v}.",
      "(My favorite pastime|My hobby) is {v}.",
      "I'm (into|really into|a big fan of) {v}.",
      "{v} is my hobby.",
      "I relax with {v} after work.",
      "I joined a club for {v}.",
      "On (Sundays|Saturdays|weekends) I go for {v}.",
      "I'm (fond of|passionate about|interested in|keen on|crazy about|hooked on|addicted to) {v}.",
      "{v} is (my passion|my pastime|what I do for fun|my thing|how I relax|fun for me|the best way to relax).",
      "I (fill|spend|pass) my (free time|evenings|spare time|weekends|days off) with {v}.",
      "In my (free|spare) time I (do|like|go for|practice|enjoy) {v}.",
      "I (practice|do|try) {v} (every week|twice a week|on Sundays|whenever I can|for fun).",
      "I (have|found|got) a (hobby|new hobby|passion|new passion), (it's |called |){v}.",
      "When I have time(|,) I (do|enjoy|go for|love) {v}.",
      "(After work|At the weekend|On weekends|In the evening|On my days off) I (do|enjoy|love|practice) {v}.",
      "(Nothing|There's nothing) (relaxes me|I enjoy|makes me happy) (like|more than) {v}.",
      "I've (always |)(loved|enjoyed|been into|liked) {v}.",
      "I (fell in love with|am in love with|can't get enough of|can't stop) {v}(|, my hobby|, it's such fun).",
      "I'm (learning|trying|starting|taking up) {v}(| as a hobby| for fun).",
      "(What I like|What I love|What I enjoy)(|,| to do) is {v}.",
      "I (bought|got) (everything|the gear|the tools|a book) for {v}, my (new |)hobby.",
      "My (hobby|pastime|passion|favorite activity) is {v}.",
      "(A friend|My cousin|My aunt|My neighbor) (got me into|taught me|showed me) {v}(|, and I love it).",
      "{v} is (great fun|so much fun|wonderful), I do it (a lot|every week|all the time)."
    ],
    heldOut: [
      "I've found a passion: {v}.",
      "{v} keeps me busy after work.",
      "When I'm free, it's all {v}.",
      "I signed up for {v} (classes|lessons)."
    ]
  },
  add: {
    train: [
      "I also (enjoy|love|do) {v} now.",
      "Besides {o}, I (took up|started|do) {v}.",
      "I (have|picked up|found) another hobby, {v}.",
      "I got into {v} too(|, next to {o}).",
      "In addition to {o}, I (now |)do {v}.",
      "I added {v} to my hobbies.",
      "My second hobby is {v}.",
      "I have a new hobby on top of {o}: {v}.",
      "{v} is a hobby of mine too.",
      "(Next to|Along with|Apart from|On top of|Besides) {o}(|,) I (enjoy|like|love|am into|practice) {v}(| now| too).",
      "I (now |)have two hobbies(| now)(,|:) {o} and {v}.",
      "I (enjoy|like|love|do|practice) {v} (too|as well|in addition)(| now).",
      "Not only {o}, (I also enjoy|I enjoy|I love|I'm into) {v}(| too| as well| now).",
      "My (other|second|new|further|next) (hobby|pastime|passion) is {v}(|, besides {o}|, next to {o}).",
      "{v} is (another|one more|also a|a further) (hobby|passion|pastime)(| of mine)(| now).",
      "I'm (also|now also|even) (into|fond of|keen on|trying|learning|interested in) {v}(| now|, not only {o}).",
      "(One hobby|{o}) (was|is) not enough(| for me), (so |)I (started|took up|added|do) {v}(| too| as well).",
      "I (started|took up|began|got into|discovered) {v} (too|as well|on the side|besides {o}|next to {o}).",
      "I still do {o}, (but now|and now|and) (also |){v}(| too| as well).",
      "(When|If) I'm not (busy with|doing) {o}, I (do|enjoy|go for) {v}(| now).",
      "I (have|found|discovered) (one more|a second|another) (hobby|passion|pastime): {v}.",
      "I also (took up|started|began|fell in love with|signed up for) {v}(| now| last week| this month).",
      "(Lately|These days|Now) I do {v} as well(| as {o}).",
      "{v} (joined|came on top of|has joined) {o} (as a hobby|as my hobby|on my list of hobbies)."
    ],
    heldOut: [
      "On top of {o} there's {v} in my spare time.",
      "{o} was not enough, so {v} joined in.",
      "Another passion of mine now is {v}.",
      "I extended my free time list with {v}."
    ]
  },
  remove: {
    train: [
      "I (stopped|gave up|quit) {o}.",
      "I don't do {o} anymore.",
      "{o} is no longer (my|a) hobby(| of mine).",
      "I lost interest in {o}.",
      "I (have no time|am too busy) for {o} now, I stopped.",
      "I'm done with {o}.",
      "(No more|Enough|Enough of) {o} (for me|), (I quit|I stopped|it's over|I'm done).",
      "I (no longer|don't) (enjoy|like|practice|do|love|go for) {o}(| anymore| any longer).",
      "{o} (is not|isn't) (for me|fun|my thing|my hobby) (anymore|any longer|now).",
      "{o} (became|got|was) (too expensive|boring|too hard|dull)(| for me), so I (stopped|quit|gave it up).",
      "I'm (tired of|bored with|bored by|fed up with|over|through with) {o}(|, I stopped|, I quit).",
      "I (sold|gave away|threw out) (my gear|all my things|everything) for {o}, (I stopped|I quit|it's over).",
      "I (hurt myself|hurt my knee|have a bad back), so (no more|I had to stop|I gave up) {o}(| for me|).",
      "{o} (was|used to be) my hobby, (but not|not) anymore.",
      "I (haven't done|don't care for|have no interest in) {o} (anymore|any longer), I (stopped|quit|gave it up)."
    ],
    heldOut: [
      "I dropped {o}(|, it got boring).",
      "My time with {o} is over.",
      "{o} is off my list of hobbies."
    ]
  },
  again: {
    train: [
      "I still (enjoy|love|do) {v}.",
      "(As you know|Like I said), {v} is my hobby.",
      "I did some {v} again(| this weekend| yesterday).",
      "{v} was fun again (today|yesterday|last night).",
      "I'm still into {v}.",
      "{v} (remains|stays|is as ever|is still) my (hobby|passion|pastime|favorite activity).",
      "I (did|enjoyed|practiced|had fun with) {v} (today|yesterday|all weekend|on Sunday|last night)(| again).",
      "I (keep|kept) (doing|enjoying|loving|practicing) {v}(|, as ever| as always).",
      "I'm (still|as ever) (fond of|into|keen on|in love with|crazy about|doing|enjoying) {v}.",
      "I (told|mentioned to) you (that I enjoy|about my hobby|that I'm into|I do) {v}.",
      "(Nothing new|No change)(,| in my free time,) (I do|I still do|still) {v}.",
      "(I had|I've had) (a great time|so much fun|a good day) (with|doing) {v}(| again| yesterday| today).",
      "{v} (keeps|kept) me busy(| again| today| all weekend| as always).",
      "(Remember|Don't forget), (I enjoy|my hobby is|I'm into) {v}.",
      "(All weekend|Last night|On Sunday) it was {v} again(| for me)."
    ],
    heldOut: [
      "My passion for {v} goes on.",
      "{v} keeps being fun for me.",
      "As ever, I spend hours on {v}."
    ]
  }
}

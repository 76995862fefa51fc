import type { SubjectPhrases } from "./phrasings.ts"

export const siblings: SubjectPhrases = {
  question: {
    train: [
      "Who are the siblings of {p}?",
      "What are the names of the siblings of {p}?",
      "Which siblings does {p} have?",
      "Who is the sibling of {p}?",
      "What is the name of the sibling of {p}?",
      "(What|Which) (brothers or sisters|brothers and sisters|siblings) does {p} (have|mention)?",
      "Who are the (brothers and sisters|brothers or sisters) of {p}?",
      "(What|How) (is|are) the (sibling|siblings|brother or sister|brothers and sisters) of {p} called?",
      "(Tell me|Do you know|Can you tell me|Remind me) the (name|names) of the siblings of {p}(.|?)",
      "Which (people|persons) are siblings of {p}?",
      "Who is (a brother or sister|a sibling|the brother or sister) of {p}?",
      "{p} has siblings (called|named) what?",
      "What (name|names) (do|does) the (sibling|siblings) of {p} have?"
    ],
    heldOut: [
      "Name the brothers and sisters of {p}.",
      "Who grew up with {p} as a sibling?"
    ]
  },
  new: {
    train: [
      "I have a (brother|sister|twin) (named|called) {v}.",
      "My (brother|sister|twin) is (called|named) {v}.",
      "My (older |younger |big |little |)(brother|sister) {v} (visited me|called|is funny|is in town).",
      "{v} is my (brother|sister).",
      "I grew up with my (brother|sister) {v}.",
      "I (met|had lunch with|talked to) my (brother|sister) {v} (today|yesterday).",
      "I'm (the|a) (brother|sister|sibling|twin) of {v}.",
      "{v} and I are (siblings|twins|brother and sister).",
      "I have (one|a|just one|an older|a younger|a little|a big) (sibling|brother|sister)(,| named| called) {v}.",
      "My (brother's|sister's|twin's) name is {v}.",
      "My parents have (another child|two children): {v} and me.",
      "(The|My) (brother|sister) I grew up with is (called |named |){v}.",
      "{v} (is|was|has always been) my (big|little|older|younger|only) (brother|sister).",
      "(Have I told you about|Have you met|Did I mention) my (brother|sister|twin) {v}?",
      "My (brother|sister|twin) {v} (got married|has a baby|is moving|made a cake|sent me a letter|broke a leg).",
      "I (visited|phoned|wrote to|helped|called) my (brother|sister|twin) {v}(| today| yesterday| this week).",
      "I (share|shared) (a room|my toys|my parents) with {v}, my (brother|sister|twin).",
      "{v}, my (brother|sister|twin), (is in town|is older than me|looks like me|is very tall).",
      "My (only |)(sibling|brother|sister) is (called |named |){v}.",
      "In my family there (is|was) also {v}, my (brother|sister).",
      "I (argue|laugh|play|fight) a lot with my (brother|sister) {v}.",
      "My mother had {v} (before|after) me, (my|so that's my) (brother|sister).",
      "We are two at home, my (brother|sister) {v} and me."
    ],
    heldOut: [
      "A (brother|sister) of mine is called {v}.",
      "{v} and I have the same parents.",
      "You should meet {v}, my (brother|sister)."
    ]
  },
  add: {
    train: [
      "I have another (brother|sister), {v}.",
      "Besides {o}, I have a (brother|sister) named {v}.",
      "My other (brother|sister) is (called|named) {v}.",
      "{v} is also my (brother|sister)(|, like {o}).",
      "I (also|even) have a second (brother|sister), {v}.",
      "I have one more (brother|sister), {v}.",
      "{o} and I have (a|another) (brother|sister), {v}.",
      "There is (another|one more|also a) (brother|sister)(| of mine)(,| named| called) {v}.",
      "(Next to|Along with|Apart from|On top of) {o}(|,) (I have|there is) (another|a second|one more|my) (brother|sister|sibling)(,| named| called) {v}.",
      "I have two siblings, {o} and {v}.",
      "I (have|got) {v} (too|as well|in addition), (another|also a|my other) (brother|sister).",
      "Not only {o}, {v} is my (brother|sister) (too|as well).",
      "My (second|other|younger|older|third) (brother|sister|sibling) is (called |named |){v}.",
      "(I|We) (got|have) a new (brother|sister|baby brother|baby sister), {v}.",
      "{o} is not my only (sibling|brother|sister), (there is|I also have|I have) {v}(| too| as well).",
      "I also have (a (brother|sister|sibling)|an older (brother|sister)|a little (brother|sister)) (called|named) {v}.",
      "My (parents|mother|family) had another (baby|child), {v}(|, my new sibling|, so I have a new brother|, so I have a new sister).",
      "{v} is (a further|another|one more) (brother|sister|sibling) of (mine|{o} and me).",
      "In addition to {o}, my (brother|sister) is {v}.",
      "I (forgot|didn't mention) (to tell you about |){v}, my other (brother|sister)."
    ],
    heldOut: [
      "{o} is not the only one, {v} is my (brother|sister) too.",
      "Add {v} to my brothers and sisters.",
      "There's a further (brother|sister) in my family, {v}."
    ]
  },
  again: {
    train: [
      "(As you know|Like I said), {v} is my (brother|sister).",
      "My (brother|sister) {v} (says hi|called again|is doing well).",
      "I saw my (brother|sister) {v} again.",
      "I told you about {v}, my (brother|sister).",
      "{v} is (still |)my (brother|sister|sibling)(|, of course|, you know).",
      "My (brother|sister|twin) {v} (is fine|visited again|sent a card|was here|is asleep|says hello)(| today| yesterday).",
      "I (told|mentioned to) you (about my (brother|sister)|that I have a (brother|sister) named|about) {v}(|, you remember).",
      "I (called|phoned|met|visited|hugged) my (brother|sister|twin) {v} again(| today| yesterday).",
      "(Remember|Don't forget), {v} is my (brother|sister).",
      "{v} and I are siblings, (as you know|you remember|of course).",
      "{v}, my (brother|sister), (is well|is fine|made me laugh|called)(| again| today).",
      "I (had|enjoyed) (lunch|dinner|a walk|a chat) with my (brother|sister) {v} again.",
      "(Nothing new|All is well) with my (brother|sister) {v}."
    ],
    heldOut: [
      "{v}, my (brother|sister), sends greetings.",
      "You remember {v}, my (brother|sister)."
    ]
  }
}

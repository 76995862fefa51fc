import type { SubjectPhrases } from "./phrasings.ts"

export const languages: SubjectPhrases = {
  question: {
    train: [
      "Which languages does {p} speak?",
      "What languages does {p} speak?",
      "What language does {p} speak?",
      "Which language can {p} speak?",
      "What languages can {p} speak?",
      "(What|Which) (tongue|tongues|language|languages) (is|are) (spoken by|known to|familiar to) {p}?",
      "(In what|In which) (language|languages) (can|could) (I|one|you|we) (talk|speak|write) to {p}?",
      "(Tell me|Do you know|Can you tell me|Remind me) (which|what) (language|languages) {p} (speaks|knows)(.|?)",
      "Name the (language|languages) (of|spoken by|known to) {p}.",
      "What (is|are) the (language|languages) (of|spoken by|known by) {p}?",
      "(What|Which) (language|languages) is {p} (fluent in|able to speak|good at)?",
      "{p} (speaks|knows|can speak) (what|which) (language|languages)?",
      "(What|Which) (language|languages) did {p} learn(| to speak)?",
      "How many languages does {p} speak, and which(| ones)?"
    ],
    heldOut: [
      "In which languages can {p} talk?",
      "What languages does {p} know?"
    ]
  },
  new: {
    train: [
      "I speak {v}.",
      "I can speak {v}(| quite well| fluently).",
      "I (learned|know) {v}.",
      "I'm (fluent in|good at) {v}.",
      "My {v} is (quite good|good|fluent).",
      "I grew up speaking {v}.",
      "I (passed|finished) my {v} course, so I speak it(| now).",
      "I use {v} (every day|at work|at home), I speak it well.",
      "I (talk|chat|dream|think|sing|swear) in {v}(|, I speak it well|, it's a language I know).",
      "I'm (a speaker of|able to speak|comfortable in|at home in|at ease in) {v}.",
      "My (language|mother tongue|first language|native language) is {v}.",
      "At (school|home|work|university) I (learned|studied|spoke|picked up) {v}(| and speak it| and I still know it).",
      "I (studied|learned|picked up|was taught) {v}(|, so I can speak it| as a child| and speak it well).",
      "(You can|Feel free to|People can) (talk|speak|write) to me in {v}(|, I know it|, I speak it).",
      "I (read|write) and speak {v}(| fluently| every day).",
      "The language I (speak|use|know|talk) (best|most|at home|with my family) is {v}.",
      "I (had|took) (lessons|classes|a course) in {v}, (now|so) I (speak|know) it(| well| fluently).",
      "(I speak|I know) (good|fluent|perfect|decent|some) {v}.",
      "My (parents|family|teacher|grandma) taught me {v}(|, so I speak it).",
      "I (grew up|was raised) with {v}(| as my language| at home).",
      "I'm (quite |really |pretty |)(good at|fluent in|confident in) {v}(| now).",
      "{v} (comes easily|is easy) to me, I (speak it|know it|grew up with it).",
      "With {v} I have no trouble, I (speak|know) it (well|fluently)."
    ],
    heldOut: [
      "{v} is a language I know well.",
      "I have a good command of {v}.",
      "Talking in {v} is no problem for me."
    ]
  },
  add: {
    train: [
      "I also speak {v}(| now).",
      "Besides {o}, I speak {v}.",
      "I (learned|picked up) {v} too.",
      "I (learned|mastered) another language, {v}.",
      "In addition to {o}, I can speak {v}.",
      "I now speak {v} as well(| as {o}).",
      "My second language is {v}.",
      "I finished a course, so I also speak {v}.",
      "I've added {v} to my languages.",
      "(Next to|Along with|Apart from|On top of) {o}(|,) I (speak|know|learned|can speak) {v}(| now| too).",
      "I speak two languages(| now)(,|:) {o} and {v}.",
      "I (speak|know|understand|learned|mastered) {v} (too|as well|in addition)(| now).",
      "Not only {o}, (I also speak|I speak|I know|I'm fluent in) {v}(| too| as well| now).",
      "My (other|new|next|further) language is {v}(|, besides {o}|, next to {o}).",
      "I'm (also|now also|even) (fluent in|good at|able to speak) {v}(| now|, not only {o}).",
      "One language (was|is) not enough(| for me), (so |)I (learned|studied|speak) {v}(| too| as well).",
      "I (have|can speak|speak) one more language: {v}.",
      "I (still speak|speak) {o}, (but now|and now|and) also {v}(| too).",
      "I (also|even) (know|understand|learned|studied|picked up|mastered) {v}(| now| last year|, besides {o}).",
      "After {o} I (learned|studied|picked up|took up) {v}(| too| as well).",
      "I (passed|finished|took) (a course|my exam|lessons|a test) in {v}, (so |)(I speak it too|I know it as well|I speak that too|it's my second language).",
      "I (can|could) (now |)(talk|chat) in {v} (too|as well|besides {o}).",
      "{v} (joined|came on top of|has joined) {o} (on|in) my list of languages."
    ],
    heldOut: [
      "{v} is one more language I know.",
      "Next to {o} I have a good command of {v}.",
      "My languages grew: {v} is in."
    ]
  },
  remove: {
    train: [
      "I forgot all my {o}.",
      "I don't speak {o} anymore.",
      "I (can't|cannot) speak {o} (anymore|any longer), I forgot it.",
      "My {o} is gone, I forgot everything.",
      "I no longer speak {o}.",
      "I (no longer|don't) (know|understand|use|remember|master) {o}(| anymore| any longer).",
      "My {o} is (lost|forgotten|no more|completely gone|too rusty to speak).",
      "(I've|I have) (forgotten|lost) (my|all my|the whole of my) {o}.",
      "I (used to|once could) speak {o}, (but not|not) (anymore|any longer|now).",
      "{o} (is not|isn't|is no longer) (a|one of the) (language|languages) I (speak|know)(| anymore).",
      "(Not|No) (a word|a single word) of {o} is left in my head(|, I forgot it).",
      "I'm no longer (able to speak|fluent in|good at|a speaker of) {o}(|, I forgot it).",
      "(Sadly|Sad news|Bad news), I (can't|cannot|don't) speak {o} anymore.",
      "Without practice I (lost|forgot) (my|all my) {o}."
    ],
    heldOut: [
      "I lost my {o} completely.",
      "{o} has slipped away from me, I can't talk in it now."
    ]
  },
  again: {
    train: [
      "I still speak {v}.",
      "(As you know|Like I said), I speak {v}.",
      "I spoke {v} (at work|with a friend|on the phone) (today|yesterday).",
      "My {v} is still good.",
      "I was speaking {v} again (today|yesterday).",
      "I (talked|chatted|dreamed|wrote|sang) in {v} (again|today|yesterday|last night)(|, as I speak it|, a language I know).",
      "I (keep|kept) (speaking|using|practicing) {v}(|, as ever| as always).",
      "I'm still (fluent in|good at|able to speak|speaking) {v}.",
      "I (told|mentioned to) you (that |)I (speak|know) {v}.",
      "(Nothing new|No change), I speak {v}(|, as ever| as always).",
      "My {v} (remains|is|is still|stays) (fluent|good|fine)(,|) (as ever|as always|you know).",
      "(Remember|Don't forget), I (speak|know) {v}.",
      "I (used|practiced|needed) my {v} (again|today|yesterday|at work).",
      "I (read|watched|wrote) (a book|a film|a letter|the news) in {v}(| again|, I still know it).",
      "{v} is (still |)(a language|one of the languages) I speak(|, of course|, you know)."
    ],
    heldOut: [
      "I keep my {v} fresh by talking.",
      "My {v} came in handy again."
    ]
  }
}

import type { SubjectPhrases } from "./phrasings.ts"

export const job: SubjectPhrases = {
  question: {
    train: [
      "What is the job of {p}?",
      "What does {p} do for a living?",
      "What does {p} work as?",
      "Which job does {p} have?",
      "What is the profession of {p}?",
      "What kind of work does {p} do?",
      "(What|Which) (occupation|profession|trade|career) does {p} have?",
      "What is {p} (by profession|by trade|employed as|working as)?",
      "(In what|In which) (job|profession|line of work|field) (does {p} work|is {p} working)?",
      "(Tell me|Do you know|Can you tell me|Remind me) what {p} (does for work|works as|does for a living)(.|?)",
      "What does {p} do (for work|for money|professionally|all day at work)?",
      "{p} works as what?",
      "Name the (job|profession|occupation) of {p}.",
      "What (job|position|role) does {p} (hold|have|do)?"
    ],
    heldOut: [
      "How does {p} earn a living?",
      "What is the occupation of {p}?",
      "As what is {p} employed?"
    ]
  },
  new: {
    train: [
      "I work as {a v}.",
      "I'm {a v}(| by profession| by trade).",
      "I (have|got) a job as {a v}.",
      "My job is being {a v}.",
      "For a living, I work as {a v}.",
      "I (earn|make) my (money|living) as {a v}.",
      "I started working as {a v}.",
      "They hired me as {a v}.",
      "I've been {a v} for (years|a while|some time).",
      "I am working as {a v} (these days|at the moment).",
      "Being {a v} is my (job|profession).",
      "I (spend my days|am busy) working as {a v}.",
      "I'm employed as {a v}(| by a small company| at the moment).",
      "My (profession|occupation|trade|line of work|career) is (that of {a v}|{v}|being {a v}).",
      "I (have|hold|got|found) a (position|role|post) as {a v}.",
      "I (make|earn) (a|my) (living|wage|salary) (being|working as) {a v}.",
      "I've (worked|been working) as {a v} (for years|for ages|since school|since last year).",
      "I (was|got) (hired|taken on|employed) as {a v}(| last week| this month).",
      "I (trained|studied|qualified) (as|to be|to become) {a v} and (now |)work as one.",
      "(Working|Life|My days) as {a v} (is|are) (hard|fun|long|exciting)(| but I like it|), (that's my job|it's what I do).",
      "They (pay me to be|call me in as|employ me as) {a v}.",
      "I (do my work|serve|spend my weekdays|put in long hours) as {a v}.",
      "(People|Folks) know me as {a v}, that's my (job|work|profession).",
      "I'm (a professional|a full-time|a part-time) {v}.",
      "My (business card|contract|badge) says {v}.",
      "{v} is (my job|my profession|what I work as|what I am by trade).",
      "I've got (work|a job|steady work) as {a v}.",
      "I (began|started) (work|my job|my career) as {a v}(| this year| recently).",
      "(I signed|I just signed) a contract as {a v}.",
      "I pay my (bills|rent) by working as {a v}.",
      "I'm working (full time|part time|nights) as {a v}."
    ],
    heldOut: [
      "Professionally, I'm {a v}.",
      "My profession: {v}.",
      "I do {v} work for a living.",
      "I am employed as {a v}.",
      "If you ask what I do, I'm {a v}."
    ]
  },
  replace: {
    train: [
      "I (switched|changed) jobs, I'm {a v} now.",
      "I (quit|left) my job as {a o} and (became|started as) {a v}.",
      "I'm no longer {a o}, I work as {a v} now.",
      "I (just |)became {a v}.",
      "My new job is {v}.",
      "I (gave up|stopped) being {a o}, now I'm {a v}.",
      "I (got|found|have) a new job as {a v}.",
      "From now on I work as {a v}.",
      "I changed careers and (became|am now) {a v}.",
      "I started a new career as {a v}.",
      "I (quit|stopped) being {a o} (to become|and am now|and now work as) {a v}.",
      "I used to be {a o}, (now|but now) I'm {a v}.",
      "I (work|earn my living) as {a v} now(|, not as {a o}| instead of as {a o}).",
      "My (profession|occupation|line of work) (changed|is new)(:|,) I'm {a v} now.",
      "After (years|a long time) as {a o}, I (became|am now|turned into) {a v}.",
      "I (went|moved|switched) from {o} to {v}(| last week| this month), new job and all.",
      "I (was promoted|got promoted|retrained|moved up) and (now work as|became|am now) {a v}.",
      "I (left|dropped|gave up) (that|the|my) (old job|job as {a o}) for a (post|position|role|job) as {a v}.",
      "(My old job|Being {a o}|Work as {a o}) is (over|history|behind me), I'm {a v} now.",
      "Another company (hired|took) me, (this time |now |)as {a v}.",
      "(Today|On Monday|Last week) I (began|started) my new (job|work|role) as {a v}.",
      "I (swapped|traded) my job as {a o} for one as {a v}.",
      "I turned my back on being {a o}, (these days|now) I work as {a v}.",
      "I'm (now|from now on) {a v} (by profession|for a living).",
      "They (made|appointed|promoted) me {a v}(| at work).",
      "My (contract|work) as {a o} (ended|ran out), I'm {a v} now.",
      "I (signed|have) a new contract, as {a v}.",
      "{a v} is what I am now, not {a o} anymore."
    ],
    heldOut: [
      "New career: I'm {a v} (starting today|as of this week).",
      "I retrained and now I'm {a v}.",
      "They (now |)employ me as {a v}, {o} was yesterday.",
      "My working life changed, I am now {a v}."
    ]
  },
  remove: {
    train: [
      "I (lost|quit) my job(| as {a o}), I have no job now.",
      "I'm (out of work|unemployed)(| now| at the moment).",
      "I (stopped|gave up) working as {a o}, I'm (retired|without a job) now.",
      "I (got fired|was laid off), so no work for me now.",
      "I'm not {a o} anymore, I have no job (right now|at the moment).",
      "I (resigned|handed in my notice), now I'm without work.",
      "They (fired|sacked|dismissed|let go of) me(|, I'm no longer {a o}|, I have no job now).",
      "My (job|work|contract|career) as {a o} (is over|ended|came to an end), (I have no work|I'm jobless|I'm without a job)(| now).",
      "I (walked out|quit|left) and (have nothing new|am jobless|found nothing else)(| yet).",
      "The company (closed|went under|let me go), I have no (work|job) (now|anymore).",
      "I (no longer|don't) work(| anymore| at all), (I retired|I quit|I'm on my own time now).",
      "I'm (retiring|retired), no more (work|being {a o}) for me.",
      "I (ended|finished) my (career|time) as {a o}, (I do nothing now|without a new job).",
      "(No job|No work|Nothing) for me (now|right now|at the moment), I (stopped|quit|was let go) as {a o}.",
      "I am (looking for|searching for) a job, I'm not {a o} (anymore|any longer).",
      "(Sadly|Sad news|Bad news), I (lost|had to give up) my (work|position|post) (as {a o}|), I'm unemployed."
    ],
    heldOut: [
      "I retired(| early), no more {o} for me.",
      "My contract as {a o} ended and I have nothing new.",
      "I'm between jobs (now|since Monday), not {a o} any longer."
    ]
  },
  again: {
    train: [
      "I'm still {a v}.",
      "(As you know|Like I told you), I work as {a v}.",
      "Work is (busy|fine|the same), I'm still {a v}.",
      "Being {a v} is (tiring|fun|still fun).",
      "Another day (at work|of work) as {a v}.",
      "Yes, I still work as {a v}.",
      "I (keep|am|kept) working as {a v}(|, as ever| as always).",
      "My job as {a v} (is fine|keeps me busy|goes on|is the same as ever).",
      "I'm (happy|glad|tired) (being|as|to be) {a v}.",
      "(Nothing new|No change) at work, {a v} as (ever|before|always).",
      "I (told|mentioned to) you (that I'm|I work as|about being) {a v}.",
      "(Today|This week|Last night) I (had|worked) a (long|late|double) shift as {a v}.",
      "(My boss|A customer|A colleague) (says|said|thinks) I'm a (good|great|fine) {v}.",
      "I (love|like|enjoy) (being|my job as|working as) {a v}.",
      "(Remember|Don't forget), I'm {a v}(| by profession).",
      "I'm {a v}, (you know that|you remember|as you may recall).",
      "(Life|Work|The work) as {a v} (goes on|continues|is tough today)."
    ],
    heldOut: [
      "My job hasn't changed, still {a v}.",
      "I continue to work as {a v}.",
      "Same job as ever: {v}."
    ]
  }
}

import type { SubjectPhrases } from "./phrasings.ts"

export const partner: SubjectPhrases = {
  question: {
    train: [
      "Who is the partner of {p}?",
      "Who is {p} dating?",
      "Who is {p} in a relationship with?",
      "What is the name of the partner of {p}?",
      "Who is {p} together with?",
      "Who is the (boyfriend or girlfriend|girlfriend or boyfriend|love|sweetheart|significant other|lover) of {p}?",
      "(With whom|With who) is {p} (together|in a relationship|going out|dating)?",
      "Who (does {p} love|does {p} date|is {p} seeing|is {p} going out with|is {p} with)(| now| these days| at the moment)?",
      "(What|How) is the (partner|girlfriend|boyfriend|love) of {p} called?",
      "Who is (dating|seeing|going out with|together with|in love with) {p}?",
      "Who (shares|is sharing) (a life|a bed|a relationship) with {p}?",
      "(Tell me|Do you know|Can you tell me|Remind me) who {p} is (dating|seeing|together with|in a relationship with)(.|?)",
      "Name the (partner|boyfriend or girlfriend) of {p}.",
      "{p} is in a relationship with (whom|who)?",
      "Is {p} (dating|seeing) (someone|anyone|somebody), and who(| is it)?"
    ],
    heldOut: [
      "Whom is {p} seeing?",
      "With whom is {p} in love?",
      "Who is the other half of {p}?"
    ]
  },
  new: {
    train: [
      "I'm dating {v}(| now).",
      "{v} and I are (together|a couple|dating)(| now).",
      "I (have|got) a new (boyfriend|girlfriend|partner), {v}.",
      "My partner is (called|named) {v}.",
      "I'm in a relationship with {v}.",
      "I (met|fell for) {v} and we are a couple(| now).",
      "My (boyfriend|girlfriend|partner) {v} (says hi|is wonderful|made me dinner).",
      "I'm (going out|together) with {v}.",
      "{v} is my (partner|boyfriend|girlfriend).",
      "{v} and I (started|have started) dating.",
      "{v} is my (love|sweetheart|significant other|other half|better half)(| now).",
      "I (fell in love|am in love|have fallen in love) with {v}(| and we are together).",
      "I (have|had) a (date|dinner|first date) with {v}(,| and) (we're together|we're dating|now we are a couple).",
      "I (asked|kissed) {v} (out |)and now we're (dating|together|a couple).",
      "My (love|sweetheart|other half) is (called|named) {v}.",
      "{v} (asked me out|kissed me|said yes), we're (dating|together|a couple)(| now).",
      "I'm no longer single, (I'm with|I'm dating|I found|I have) {v}.",
      "I (found|met) (love|the love of my life|someone special), {v}.",
      "(The person|The one) I'm (dating|seeing|in love with) is (called |named |){v}.",
      "(Meet|This is|Have you met) {v}, my (partner|boyfriend|girlfriend|love)?",
      "I (live together|share my life|am happy together) with my (partner|boyfriend|girlfriend) {v}.",
      "I (started|have started|began) (dating|seeing|going out with) {v}(| recently| last week| this month).",
      "{v} (has|won|stole) my heart, we are (together|dating|a couple).",
      "There's (someone|somebody) in my life(| now), {v}, (we're dating|my partner).",
      "{v}, my (boyfriend|girlfriend|partner|sweetheart), (gave me flowers|came with me|is very kind|cooked for me).",
      "My relationship with {v} is (new|going well|wonderful)."
    ],
    heldOut: [
      "I'm seeing {v}(|, it's serious).",
      "{v} and I are in love, we're a pair.",
      "My better half is {v}.",
      "I share my life with {v}.",
      "There's someone in my life, {v}, we're an item."
    ]
  },
  replace: {
    train: [
      "I broke up with {o} and I'm dating {v} now.",
      "{o} and I split up, I'm with {v} now.",
      "I'm not with {o} anymore, {v} is my partner now.",
      "My new partner is {v}, {o} is history.",
      "I left {o} for {v}.",
      "After {o}, I am now in a relationship with {v}.",
      "I have a new (boyfriend|girlfriend|partner), {v}.",
      "{v} is my new partner(|, not {o}).",
      "I (ended it|finished|called it quits) with {o}, (I'm seeing|I'm with|my partner is) {v} now.",
      "I (dumped|left|said goodbye to) {o} and (fell in love with|started dating|am dating|am with) {v}(| now).",
      "{o} (left me|dumped me|is gone|and I are over), (but |)(I'm dating|I'm with|I have|I found) {v} now.",
      "{o} is my ex(| now), I'm (dating|seeing|together with|in love with) {v}(| now).",
      "I (used to be|was) with {o}, (now|but now) (I'm with|it's|I'm dating) {v}.",
      "I (moved on|went) from {o} to {v}, (we're a couple|we are dating|my new partner).",
      "It's (over|finished) with {o}, (I'm in a relationship with|I'm seeing|I love) {v} now.",
      "{v} (has taken|took) the place of {o}(| in my heart|), we're (dating|together|a couple).",
      "My (new |)(boyfriend|girlfriend|partner|love) is (called |named |){v}(| now|, after {o}).",
      "I (no longer date|stopped dating|am not dating) {o}, I (date|am dating|am seeing) {v}(| now).",
      "I (swapped|traded) {o} for {v}, (we are together|we're dating) now.",
      "{v} and I are (together|dating|a couple|an item) now(|, {o} is history|, no more {o}).",
      "(After|Since) the breakup with {o}, I (found|met|am with) {v}, my new (love|partner).",
      "I'm in love with {v} now, {o} (is the past|is history|and I are done)."
    ],
    heldOut: [
      "{o} is my ex, these days I'm seeing {v}.",
      "I've moved on from {o}, {v} and I are a pair.",
      "A new love: {v} took the place of {o}."
    ]
  },
  remove: {
    train: [
      "{o} and I broke up, I'm single(| now| again).",
      "I'm single again(|, {o} and I are done).",
      "I (split up|broke up) with {o}, I have no partner now.",
      "{o} left me, I'm alone now.",
      "It's over between {o} and me, I'm single.",
      "I'm (not|no longer) (with|dating|seeing|together with) {o}(| anymore), (I'm single|I'm alone|I'm on my own)(| now| again).",
      "{o} and I (are no longer|aren't) (together|a couple|dating)(| anymore), I'm (single|alone|on my own).",
      "{o} (dumped|left|walked out on) me(|, so I'm single|, I have nobody now).",
      "I (left|dumped|ended it with|said goodbye to) {o} and (am single|am alone|stay single|have no one)(| now).",
      "(It|The love story) with {o} (is over|is finished|came to an end)(|, I'm single).",
      "No more {o} in my life, I'm single.",
      "(Bad news|Sad news|Sadly), {o} and I (split up|broke up|are over).",
      "I have no (partner|boyfriend|girlfriend) (anymore|any longer|now), {o} (is gone|left|is history).",
      "I'm (single|alone|on my own) (these days|since last week|now), it (ended|did not work out) with {o}.",
      "{o} is my ex now(|, and I'm single)."
    ],
    heldOut: [
      "{o} and I went our separate ways, nobody new.",
      "My relationship with {o} has ended.",
      "No partner for me now, {o} and I called it quits."
    ]
  },
  again: {
    train: [
      "{v} and I are still together.",
      "I'm still dating {v}.",
      "(As you know|Like I said), {v} is my partner.",
      "Things with {v} are (great|good|going well), we're still a couple.",
      "{v} is still my partner.",
      "{v} and I (are happy|had a nice evening|had dinner|went out)(| again| yesterday), still (together|a couple|in love).",
      "I (still |)(love|am in love with|adore) {v}(|, my partner|, we're still together).",
      "My (boyfriend|girlfriend|partner|sweetheart) {v} (called|is asleep|says hello|and I went out)(| again| today| yesterday).",
      "(Nothing new|No change)(,| in love,) I'm with {v}.",
      "I (told|mentioned to) you (that I'm dating|about my partner|about dating) {v}.",
      "(It's|Everything is) (going well|still good|fine) (with|between me and) {v}(|, my partner| and we are together).",
      "{v} is (the one|my love|my partner)(|,) as (ever|always|before).",
      "(Remember|Don't forget), (I'm dating {v}|{v} is my partner).",
      "I'm (happy|still happy|lucky) (with|to be with) {v}(|, my partner).",
      "(Same|The same) (partner|boyfriend|girlfriend) as (ever|always|before), {v}."
    ],
    heldOut: [
      "{v} and I are as happy as ever together.",
      "Still going strong with {v}, my partner.",
      "Nothing has changed between {v} and me, still a pair."
    ]
  }
}

import type { SubjectPhrases } from "./phrasings.ts"

export const friend: SubjectPhrases = {
  question: {
    train: [
      "Who is the best friend of {p}?",
      "What is the name of the best friend of {p}?",
      "Who is {p} closest friends with?",
      "Which friend is closest to {p}?",
      "Who (is|would be) the (closest|dearest|very best|number one) friend of {p}?",
      "Who is {p} (best friends with|closest to|closest with|best buddies with)?",
      "(What|How) is the (best|closest|dearest) (friend|buddy|pal) of {p} called?",
      "Whom does {p} (trust most|call best friend|consider the best friend|like best as a friend)?",
      "(Which|What) (friend|person|buddy) (is the best friend of|is closest to|does {p} trust most as a friend of) {p}?",
      "(Tell me|Do you know|Can you tell me|Remind me) who the best friend of {p} is(.|?)",
      "Name the (best|closest) friend of {p}.",
      "Who does {p} (spend time with as a best friend|hang out with most|count as best friend|have as a best friend)?",
      "{p} has which best friend?",
      "Who is the (best|closest) (buddy|pal|mate) of {p}?"
    ],
    heldOut: [
      "Who is the closest friend that {p} has?",
      "Whom does {p} call the best friend?"
    ]
  },
  new: {
    train: [
      "My best friend is (called |named |){v}.",
      "{v} is my best friend.",
      "I have a best friend(| named| called) {v}.",
      "{v} and I are best friends.",
      "My closest friend is {v}.",
      "I (spend all my time|hang out a lot) with my best friend {v}.",
      "I (met|saw) my best friend {v} (today|yesterday|for lunch).",
      "No one is a better friend than {v}.",
      "My best friend {v} (came over|called me|visited)(| today).",
      "My (best buddy|best pal|best mate|dearest friend|very best friend) is (called |named |){v}.",
      "{v} is my (closest|dearest|very best|number one) (friend|buddy|pal).",
      "{v} is the (best|closest|dearest) friend (I have|I ever had|one can have|of mine).",
      "{v} and I are (close|inseparable|the best of friends|like two peas in a pod)(|, best friends).",
      "I (tell|share) everything (to|with) {v}, my (best|closest) friend.",
      "(The|My) friend (I trust|I like|I love) (most|best) is (called |named |){v}.",
      "I can (always |)(count|rely) on {v}, my best friend.",
      "{v}, my (best|closest|dearest) friend, (helped me|called|made me laugh|is a star)(| today| yesterday).",
      "I've got a (great|wonderful|true) best friend, {v}.",
      "I (went out|had lunch|went shopping|played cards) with my (best|closest) friend {v}.",
      "(Have I told you about|Do you know|Meet) {v}, my best friend?",
      "I (found|made|have) a (new |)best friend(| at school| at work), {v}.",
      "{v} has been my best friend (for years|since school|forever|for ages).",
      "My best friend's name is {v}.",
      "(When I'm sad|When I need help|In hard times), I call {v}, my best friend.",
      "{v} and I (became|have become|grew into) (best|closest) friends."
    ],
    heldOut: [
      "Of all my friends, {v} is the closest.",
      "{v} has been my best buddy (since school|for ages).",
      "I'd call {v} my best friend.",
      "There is no friend like {v} for me."
    ]
  },
  replace: {
    train: [
      "{v} is my best friend now, not {o}.",
      "{o} and I (fell out|had a fight), {v} is my best friend now.",
      "My new best friend is {v}.",
      "I have a new best friend, {v}.",
      "{o} is no longer my best friend, {v} is.",
      "These days my best friend is {v}(|, no longer {o}).",
      "{o} (was|used to be) my best friend, (now|these days) (it's|that's) {v}.",
      "{v} (has taken|took) the place of {o} as my (best|closest) friend.",
      "(Now|These days|Nowadays|Lately) {v} is my (best|closest|dearest) friend(|, not {o}| instead of {o}|, no longer {o}).",
      "I'm (closer|closest) (to|with) {v} now(| than to {o}), (my best friend|we're best friends).",
      "My (best|closest) friend is (now |){v}(| now), {o} (and I drifted apart|moved on|is only a friend).",
      "{o} and I (drifted apart|lost touch|don't talk)(| anymore), (my best friend is|now my closest friend is) {v}(| now).",
      "{o} (let me down|lied to me|betrayed me), (so |)(now |){v} is my best friend.",
      "I (swapped|replaced|traded) {o} (for|with) {v} as my best friend.",
      "{v} and I are best friends now(|, no more {o}|, {o} is out).",
      "I (got|am) closer to {v}, who is my best friend now.",
      "(It's|It is) {v} who is my best friend now, (not|no longer) {o}.",
      "I (made|found) a new best friend, {v}(|, after {o})."
    ],
    heldOut: [
      "{v} has become my closest friend, more than {o}.",
      "I drifted apart from {o}, now {v} is my best buddy.",
      "{v} took over from {o} as my best friend."
    ]
  },
  remove: {
    train: [
      "{o} and I are not friends anymore.",
      "{o} is no longer my best friend, I have none now.",
      "I (lost|ended) my friendship with {o}.",
      "I don't have a best friend anymore, {o} and I (fell out|stopped talking).",
      "{o} and I (drifted apart|lost touch|had a fight|quarreled)(,| and) (I have no best friend now|we are no longer best friends|it's over).",
      "{o} (is not|isn't) my best friend (anymore|any longer)(|, nobody is).",
      "I (no longer|don't) (talk to|see|trust|speak with) {o}(| anymore), (we're not friends|our friendship is over|I have no best friend).",
      "{o} (betrayed|lied to|let down|dropped) me, (we're no longer friends|that was the end of our friendship|I have no best friend now).",
      "{o} (was|used to be) my best friend, (now|but now) I have none.",
      "I (lost|fell out with) {o}, my (best|closest) friend.",
      "No more best friend for me, {o} (and I are done|is gone|moved on).",
      "(Sadly|Sad news|Bad news), {o} and I (are no longer|aren't) (best friends|friends)(| anymore)."
    ],
    heldOut: [
      "My friendship with {o} is over.",
      "{o} turned away from me, no best friend now."
    ]
  },
  again: {
    train: [
      "{v} is still my best friend.",
      "(As you know|Like I said), my best friend is {v}.",
      "{v} and I are still best friends.",
      "You know {v}, my best friend.",
      "I (saw|called|met|visited) {v}(|, my best friend,) again(| today| yesterday), (best friends as ever|my best friend).",
      "My best friend {v} (called again|is fine|says hello|was here)(| today| yesterday).",
      "I (told|mentioned to) you (that {v} is my best friend|about {v}, my best friend).",
      "{v} and I (are|stay|remain) (best friends|close)(,|) as (ever|always|before).",
      "(Nothing new|No change), my best friend is {v}.",
      "I (still |)(trust|love|adore) (my best friend {v}|{v}, my best friend).",
      "(Remember|Don't forget), {v} is my best friend.",
      "(Same|The same) best friend as (ever|always|before), {v}.",
      "(I had fun|I laughed a lot|I went out) with {v} again, my (best|closest) friend."
    ],
    heldOut: [
      "{v} remains my closest friend.",
      "Still the best of buddies, {v} and I."
    ]
  }
}

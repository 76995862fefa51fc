import type { SubjectPhrases } from "./phrasings.ts"

export const trips: SubjectPhrases = {
  question: {
    train: [
      "When is {p} going to {v}?",
      "When does {p} travel to {v}?",
      "When is the trip of {p} to {v}?",
      "In which month does {p} go to {v}?",
      "When will {p} visit {v}?",
      "When is {p} (traveling|flying|off|visiting|leaving|heading)( to|) {v}?",
      "(In what|In which|What) month (is|will) {p} (be |)(in|traveling to|going to|visiting|flying to) {v}?",
      "(What|Which) month is the (trip|journey|visit|flight|holiday) of {p} to {v}(| in)?",
      "When (will|does) {p} (see|go to|fly to|be in|leave for|travel to|head to) {v}?",
      "When (is|was) the (journey|visit|flight|tour|holiday) of {p} to {v}(| planned| booked)?",
      "(Tell me|Do you know|Can you tell me|Remind me) when {p} (goes|travels|is going|flies) to {v}(.|?)",
      "For (when|what month|which month) (did {p} book|has {p} booked|did {p} plan|has {p} planned) (the trip to |a trip to |){v}?",
      "{p} goes to {v} when?",
      "What is the (date|month|time) of the (trip|journey|visit) of {p} to {v}?",
      "(At what time|What time) of the year does {p} (go|travel|fly) to {v}?"
    ],
    heldOut: [
      "What is the date of the {v} trip of {p}?",
      "At what time of the year does {p} head to {v}?"
    ]
  },
  new: {
    train: [
      "I'm (going|traveling|flying) to {v} in {m}.",
      "I (booked|planned) a trip to {v} for {m}.",
      "I (will|am going to) visit {v} in {m}.",
      "In {m} I (go|travel|fly) to {v}.",
      "My trip to {v} is in {m}.",
      "I have (tickets|a flight) to {v} in {m}.",
      "(We|I) want to see {v} in {m}, it's all booked.",
      "{m} is when I go to {v}.",
      "I (leave|set off|take off|depart|head off) (for|to) {v} in {m}.",
      "I'm (off|heading|headed|leaving) (to|for) {v} in {m}.",
      "I'm (visiting|seeing|touring|exploring) {v} in {m}.",
      "In {m} (I'll be|I'm|you'll find me) (in|traveling to|visiting|off to) {v}(| on holiday| on vacation| for a week).",
      "My (journey|visit|flight|holiday|vacation|tour|stay) (to|in) {v} (is|starts|begins) in {m}.",
      "(Next up|Coming up|My plan)(:|,) {v} in {m}.",
      "I (have|made|got) (plans|a plan) to (visit|see|go to|travel to) {v} in {m}.",
      "I (bought|have|got|booked) (a ticket|tickets|a flight|a train ticket|a hotel) (to|for) {v} (in|for) {m}.",
      "{v}, here I come, in {m}(!|.)",
      "I (will|shall|want to|plan to|intend to|hope to) (travel|go|fly|drive|sail) to {v} in {m}.",
      "I (decided|promised|agreed) to (go|travel|fly) to {v} in {m}.",
      "For {m} I (planned|booked|have) a (trip|journey|visit|holiday|flight) to {v}.",
      "(It's settled|It's decided|All is booked)(:|,) {v} in {m}.",
      "(My family and I|My cousin and I|We) (go|travel|fly|are going|will go) to {v} in {m}.",
      "I'm spending {m} in {v}.",
      "I (reserved|arranged|organized) (a hotel|a trip|a tour|everything) (in|to|for) {v} for {m}.",
      "{m} (means|is) {v} (time|for me)(|, I'm going there|, my trip).",
      "I can't wait to see {v} in {m}, (my trip is booked|I booked it|I'm going)."
    ],
    heldOut: [
      "I'm off to {v} come {m}.",
      "A journey to {v} is planned for {m}.",
      "{v} is waiting for me in {m}."
    ]
  },
  replace: {
    train: [
      "I (moved|pushed) my trip to {v} to {m}.",
      "My trip to {v} is now in {m}(|, not in {o}).",
      "The trip to {v} was (moved|postponed) to {m}.",
      "I changed my tickets, I go to {v} in {m}(| now).",
      "I'm going to {v} in {m} instead(| of {o}).",
      "I (rebooked|changed) my flight to {v} to {m}.",
      "I (postponed|delayed|shifted|rescheduled|put off|brought forward) (my|the) (trip|journey|visit|flight|holiday) to {v} to {m}.",
      "(My|The) (journey|visit|flight|holiday|vacation) to {v} (was|got|has been|is) (moved|postponed|shifted|changed|rescheduled|put off) to {m}.",
      "(Not|No longer) in {o}, (but |)(in {m} I go|I go in {m}|I'm going in {m}) to {v}.",
      "It's {m}(|,) not {o}(|,) (when|that) I (go|travel|fly) to {v}.",
      "I (go|travel|fly|leave|set off) (to|for) {v} (later|earlier|at another time|at a different time), in {m}.",
      "(The plan|My plan|Plans) (changed|is new|have changed)(:|,) {v} in {m}(| instead of {o}|, not {o}).",
      "I (can't|couldn't|cannot) (go|travel|make it) to {v} in {o}, (so |)(I'll go|I'm going|it will be|now it's) in {m}.",
      "(There is|There's|We have) a new date for {v}(|, my trip)(:|,) {m}.",
      "I (got|have|bought) (new tickets|another flight|a new flight|new dates) (to|for) {v}, (in|now for|now in) {m}.",
      "(The airline|My boss|The hotel) moved my trip to {v} to {m}.",
      "Instead of {o}(|,) (I visit|I go to|I travel to|I'm off to|my trip is to) {v} in {m}.",
      "(My|The) (trip|journey|visit) to {v} (starts|begins|takes place|is) in {m} now.",
      "(Change of plans|New plan|Small change)(:|,) I (go|fly|travel) to {v} in {m}(|, not in {o})."
    ],
    heldOut: [
      "{v} has to wait until {m}, the plan changed.",
      "New plan: {v} in {m}.",
      "My {v} journey got shifted to {m}."
    ]
  },
  remove: {
    train: [
      "I (canceled|called off) my trip to {v}.",
      "My trip to {v} is (canceled|off).",
      "I'm not going to {v} (anymore|after all).",
      "The trip to {v} won't happen.",
      "I (scrapped|dropped|gave up|ditched|abandoned) (my|the) (trip|journey|visit|flight|holiday|plan to go|plans to go) to {v}.",
      "(My|The) (journey|visit|flight|holiday|vacation) to {v} (is|was|has been|got) (canceled|called off|scrapped|dropped).",
      "(No|There will be no|There's no) (trip|journey|visit|holiday) to {v} (for me|after all|anymore|this year).",
      "I (won't|will not|can't|cannot|don't) (go|travel|fly) to {v} (anymore|after all|this year).",
      "I (stay|am staying) (home|here) instead of (going|traveling|flying) to {v}.",
      "I (returned|gave back|refunded|sold) my (tickets|ticket|flight) (to|for) {v}.",
      "(Sadly|Sad news|Bad news), (my trip to {v} is off|I can't go to {v}|{v} won't happen|I had to cancel {v}).",
      "I'm (no longer|not) (going|traveling|flying|off) to {v}(| anymore| any longer| after all).",
      "I (had|have) to (cancel|drop|call off|give up) (my trip to |the journey to |){v}.",
      "I don't (want|plan|intend) to go to {v} (anymore|any longer|after all)."
    ],
    heldOut: [
      "{v} is off the table, I stay home.",
      "I gave up my plan to see {v}."
    ]
  },
  again: {
    train: [
      "I'm still going to {v} in {m}.",
      "(As you know|Like I said), I go to {v} in {m}.",
      "I can't wait for my trip to {v} in {m}.",
      "My trip to {v} in {m} is getting closer.",
      "I'm (still |)(off|traveling|flying|heading|looking forward) to {v} in {m}(|, as planned|, as I said).",
      "(My|The) (trip|journey|visit|flight|holiday) to {v} (is|remains|stays) in {m}(|,) (as planned|as I said|as before|as booked).",
      "(Nothing changed|No change|All as planned)(:|,) {v} in {m}.",
      "I (told|mentioned to) you (about my trip|that I go|that I'm going) to {v} in {m}.",
      "In {m} I('m| am) (still |)(going|traveling|flying) to {v}, (as you know|as planned|remember).",
      "(Remember|Don't forget), (I go|I'm going|I travel) to {v} in {m}.",
      "I('m| am) (so |really |)(excited|happy|nervous) about (going to |my trip to |my journey to |){v} in {m}.",
      "I (packed|prepared|learned|read) (a bit|a lot|something) for (my trip to |){v} in {m}.",
      "I (dream|dreamed|think|thought) (of|about) my (trip|journey|visit) to {v} in {m}(| again).",
      "{v} in {m}, (I can't wait|as planned|it still stands|nothing changed)."
    ],
    heldOut: [
      "The plan stands, {v} in {m}.",
      "I'm counting the days to {v} in {m}."
    ]
  }
}

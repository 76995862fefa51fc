import type { SubjectPhrases } from "./phrasings.ts"

export const city: SubjectPhrases = {
  question: {
    train: [
      "Where does {p} live?",
      "Which city does {p} live in?",
      "In which city is {p} living?",
      "What is the home city of {p}?",
      "What city is home for {p}?",
      "Where is {p} living now?",
      "Where is {p} (based|settled|at home)(| now| these days| at the moment)?",
      "Where does {p} (reside|make a home|stay)(| now| these days| currently)?",
      "(What|Which) (city|town|place) does {p} (call|consider) home?",
      "Where (can|would) (one|I|you) find (the home|the house|the apartment) of {p}?",
      "(Tell me|Do you know|Can you tell me|Remind me) where {p} (lives|is living|is based)(.|?)",
      "{p} lives (where|in which city|in what place)?",
      "(Name|Give me) the (city|town|place) (where|in which) {p} lives."
    ],
    heldOut: [
      "In what city does {p} live these days?",
      "Where is the home of {p}?",
      "Which city is {p} based in?"
    ]
  },
  new: {
    train: [
      "I live in {v}(| these days| at the moment| now).",
      "(My home is|Home for me is) in {v}.",
      "I'm (living|based) in {v}(| right now).",
      "I have a (small |nice |)(flat|house|apartment|place) in {v}.",
      "I (come home to|wake up in) {v} every day.",
      "(These days|At the moment|For now) I live in {v}.",
      "{v} is (where I live|my home|home for me).",
      "I've been living in {v} for (years|a while|some time).",
      "(We|I) (rent|own) a (place|house|flat) (in|near the center of) {v}.",
      "I am a resident of {v}.",
      "You can find me in {v}, (that's where I live|I live there).",
      "My (flat|apartment|house) is in {v}.",
      "{v} is the (city|town|place) I call home.",
      "I (reside|stay|dwell) in {v}(| these days| currently| at present).",
      "I'm (currently|presently) (living|staying|residing) in {v}.",
      "I'm (a local|a citizen|an inhabitant) of {v}.",
      "{v} has been my home (for years|since spring|for a long time|forever).",
      "I (settled|settled down|made my home|put down roots) in {v}.",
      "I'm from {v}(|, that's where I live|, born and raised).",
      "(The city|The town|The place) I live in is (called |){v}.",
      "I (walk|bike|drive) home through {v} (every evening|after work).",
      "Life in {v} (suits me|is good|is sweet), (it's my home|I live right there).",
      "Where I live(|, you ask)? (In {v}|{v} it is).",
      "Home sweet home is {v}(| for me).",
      "I've got (my own|a cozy|a tiny|a big) (apartment|place|room|studio) in {v}.",
      "(We|My family and I) (live|are at home|have our house) in {v}.",
      "If you (visit|come by|look for me), I live in {v}.",
      "You know (the city|the town) of {v}? (I live there|That's my home).",
      "Ever been to {v}? I live there(| now).",
      "I (bought|am renting|rent) (a house|an apartment|a room) in {v}(| and live there).",
      "My hometown is {v}(|, I never left).",
      "I'm at home in {v}."
    ],
    heldOut: [
      "I call {v} my home.",
      "My address is in {v}, (a quiet street|near the park).",
      "(Life here in {v} is good, I live right in the center|Living in {v} suits me).",
      "I have made {v} my home.",
      "{v} is the city I live in."
    ]
  },
  replace: {
    train: [
      "I (just |finally |)moved (from {o} |)to {v}(| last week| this month).",
      "I (left|said goodbye to) {o}, I live in {v} now.",
      "I've (relocated|moved) to {v}.",
      "(My new home is|Home is now) in {v}.",
      "I packed my things and moved to {v}.",
      "No more {o} for me, I live in {v} now.",
      "We (moved house|moved away), now I live in {v}.",
      "I (got|found) a new (place|flat|house) in {v} and moved (in|there).",
      "I don't live in {o} anymore, I moved to {v}.",
      "I (switched cities|changed cities), {v} is my home now.",
      "I (relocated|moved away|moved house) from {o} to {v}(| recently| a few days ago).",
      "I've (left|swapped|traded) {o} for {v}.",
      "{o} is behind me, (home is {v} now|{v} is my home now|I reside in {v} now).",
      "I (settled|settled down|started over|began a new life) in {v} (after leaving {o}|, far from {o}|last month).",
      "My (address|home) (changed|is different now)(:|,) (it's {v}|I live in {v}) now.",
      "I (gave up|sold|left) my (flat|house|place) in {o} and (live|moved|settled) in {v}.",
      "The (move|moving|moving truck) (is done|went well|is over), I live in {v} now.",
      "{v} is my new (home|city|town|hometown)(|, not {o}| instead of {o}).",
      "I (used to live|once lived|lived) in {o}, now (it's|I'm in|home is) {v}.",
      "From {o} I went to live in {v}.",
      "(My boxes|My things|The boxes) are unpacked in {v}, my new (home|city).",
      "I (changed|switched) (my address|homes), from {o} to {v}.",
      "I'm (now|currently) living in {v} instead of {o}.",
      "I (bought|rented) (a flat|a house|an apartment) in {v} and left {o}.",
      "(Goodbye|Farewell|Bye) {o}, hello {v}(!|, my new home.)",
      "I've (just |)arrived in {v}, (it's|this is) where I live (now|from now on).",
      "We (packed up|left everything) and (resettled|relocated) in {v}.",
      "I'm no longer (living in|based in|a resident of) {o}, it's {v} now.",
      "My new (flat|house|apartment|place) is in {v}."
    ],
    heldOut: [
      "The move is done: I live in {v} from now on.",
      "I traded {o} for {v}, the boxes are (unpacked|all here).",
      "(After {o}, I settled in|I have now settled in) {v}.",
      "My moving van (just |)arrived in {v}, my new home."
    ]
  },
  again: {
    train: [
      "(As you know|Like I said), I live in {v}.",
      "I still live in {v}.",
      "(Yes|Yeah|Right), {v} is still my home.",
      "I'm (still |)here in {v}, as always.",
      "Living in {v} (is nice|is still nice|never gets old).",
      "Nothing new, I'm still living in {v}.",
      "I (have not moved|didn't move), (I'm|still) in {v}.",
      "I'm happy (to live|living) in {v}.",
      "(My|The) (flat|house|apartment) in {v} is (still cozy|fine|getting warm).",
      "(It's|It was) (a quiet|a sunny|a rainy|another) day (here |)in {v}, my (home|city|town).",
      "I (love|enjoy) (being|living) in {v}(| as much as ever).",
      "I (told|mentioned to) you (that I live|about living) in {v}.",
      "(The streets|The neighbors|My neighbors) here in {v} are (loud|calm|friendly)(| today).",
      "(Same|The same) (home|place|city) as (ever|before|always), {v}.",
      "I was at home in {v} (all day|all weekend).",
      "(Remember|Don't forget), (I live in|my home is in) {v}.",
      "Home is (still|as always) {v}."
    ],
    heldOut: [
      "I haven't moved, I'm in {v} as before.",
      "{v} remains my home.",
      "Same old, still settled in {v}."
    ]
  }
}

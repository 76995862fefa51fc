// What speakers of the Memory World say. `(a|b|)` is a choice; `{v}` the value that is told, `{o}` the value before it, `{all}` all
// values so far, `{k}` a kind of animal, `{a v}` the value with its article, `{m}` a month, `{other}` the listener, `{p}` the person
// that a question is about. Training and held-out phrasings share no template.

export interface Phrasings {
  readonly train: ReadonlyArray<string>
  readonly heldOut: ReadonlyArray<string>
}

/** What can be said about one subject. `again` repeats what is known, in other words. */
export interface SubjectPhrases {
  readonly question: Phrasings
  readonly new: Phrasings
  readonly add?: Phrasings
  readonly replace?: Phrasings
  readonly remove?: Phrasings
  readonly again: Phrasings
}

export const openers: Phrasings = {
  train: ["", "", "", "", "Hey {other}, ", "Guess what, ", "By the way, ", "You know, ", "Oh, and ", "Well, ", "So, ", "Good news: ", "Listen, ", "Hi {other}! ", "Actually, ",
    "I meant to tell you, ", "Not sure I told you, ", "Big news, {other}! ", "Just so you know, ", "Ha, "],
  heldOut: ["", "", "Before I forget, ", "Funny story, ", "Hello {other}, ", "As it happens, ", "Quick update: "]
}

export const closers: Phrasings = {
  train: ["", "", "", "", "", " How are you?", " It feels great.", " What about you?", " I'm so happy about it.", " It was about time.", " Can you believe it?", " Anyway, how was your week?",
    " I'll tell you more later.", " Life is full of surprises.", " My family is excited.", " I still have to get used to it.", " Fun, right?"],
  heldOut: ["", "", " Who would have thought?", " More on that soon.", " I could talk about it all day.", " So that's that."]
}

export const smallTalk: Phrasings = {
  train: [
    "(How are you|How is it going|How have you been)(| today|, {other})?",
    "(The weather|The rain|The traffic|The noise) (is|has been) (awful|terrible|wild|strange) (today|lately|this week)(.|, isn't it?)",
    "I'm (so|really|a bit) (tired|sleepy|hungry|busy|bored) (today|this morning|right now)(.|, {other}.)",
    "(Thanks|Thank you) (for calling|for the chat|for listening|for the message), {other}(.|!)",
    "(Did you see|Have you seen) (the game|the match|that film|the news|that show) (last night|yesterday|on Sunday)?",
    "(That's|That is) (so funny|hilarious|amazing|wonderful|great to hear|too bad)(.|, {other}.)",
    "(See you|Talk to you|Catch you) (soon|later|next week|tomorrow)(.|, {other}!)",
    "I (nearly|almost) (missed|lost) (the bus|my keys|my phone|the train) (today|again|this morning).",
    "(Let's|We should) (catch up|meet up|get together|have coffee) (soon|sometime|one of these days)(.|!)",
    "(What|Any) (are your plans|plans) for (the weekend|tonight|the holidays)?",
    "(Happy Friday|Happy Monday|Good morning|Good evening)(, {other}|)(!|. Hope you are well.)",
    "My (phone|laptop|washing machine|car) (broke down|stopped working|is acting up)(| again).",
    "(Wow|Oh wow|No way), (I had no idea|that is something|tell me more)(.|!)",
    "I (slept|rested) (badly|well|like a stone|terribly) (last night|this week).",
    "(I agree|You're right|Fair enough|Makes sense), {other}.",
    "(Do you|Would you) (want|like) to (grab lunch|go for a walk|see a movie) (later|tomorrow|on Saturday)?",
    "The (bus|train|elevator|shop) was (late|crowded|closed|packed) (again|today)(.|, as always.)",
    "I (can't|cannot) (believe|understand) how (fast|quickly) (this year|the week|the month) (went|flew by).",
    "(Hmm|Oh), I (forgot|lost track of) what I (wanted|was going) to say.",
    "(Do you have|Have you got) (any pets|any hobbies|brothers or sisters), {other}?",
    "(Where|Which city) (do you live|are you living) (now|these days), {other}?",
    "My neighbor (was playing music|had a party|was drilling) (all night|until late|the whole day)."
  ],
  heldOut: [
    "(Sorry|Apologies) for the (late|slow) reply, {other}.",
    "(The sunset|The sky) (looked|was) (gorgeous|unreal) (this evening|tonight).",
    "(Has|Did) your (day|week) (been okay|go alright|treat you well)?",
    "I (spilled|dropped) (coffee|tea|juice) (all over my desk|on my shirt)(.|, typical me.)",
    "(Sounds good|Sounds lovely|Cool|Nice one)(.|, {other}!)",
    "(I need|I could use) (a nap|a holiday|a break|some sleep)(.|, honestly.)",
    "The (queue|line) at the (bank|post office|supermarket) was (endless|ridiculous) today.",
    "(Tell|Ask) me (about|how) (your trip|your day|things) (sometime|are), {other}."
  ]
}

export const city: SubjectPhrases = {
  question: {
    train: ["Where does {p} live?", "Which city does {p} live in?", "In which city is {p} living?", "What is the home city of {p}?", "What city is home for {p}?", "Where is {p} living now?"],
    heldOut: ["In what city does {p} live these days?", "Where is the home of {p}?", "Which city is {p} based in?"]
  },
  new: {
    train: ["I live in {v}(| these days| at the moment| now).", "(My home is|Home for me is) in {v}.", "I'm (living|based) in {v}(| right now).", "I have a (small |nice |)(flat|house|apartment|place) in {v}.",
      "I (come home to|wake up in) {v} every day.", "(These days|At the moment|For now) I live in {v}.", "{v} is (where I live|my home|home for me).", "I've been living in {v} for (years|a while|some time).",
      "(We|I) (rent|own) a (place|house|flat) (in|near the center of) {v}.", "I am a resident of {v}.", "You can find me in {v}, (that's where I live|I live there).", "My (flat|apartment|house) is in {v}."],
    heldOut: ["I call {v} my home.", "My address is in {v}, (a quiet street|near the park).", "(Life here in {v} is good, I live right in the center|Living in {v} suits me).", "I have made {v} my home.", "{v} is the city I live in."]
  },
  replace: {
    train: ["I (just |finally |)moved (from {o} |)to {v}(| last week| this month).", "I (left|said goodbye to) {o}, I live in {v} now.", "I've (relocated|moved) to {v}.", "(My new home is|Home is now) in {v}.",
      "I packed my things and moved to {v}.", "No more {o} for me, I live in {v} now.", "We (moved house|moved away), now I live in {v}.", "I (got|found) a new (place|flat|house) in {v} and moved (in|there).",
      "I don't live in {o} anymore, I moved to {v}.", "I (switched cities|changed cities), {v} is my home now."],
    heldOut: ["The move is done: I live in {v} from now on.", "I traded {o} for {v}, the boxes are (unpacked|all here).", "(After {o}, I settled in|I have now settled in) {v}.", "My moving van (just |)arrived in {v}, my new home."]
  },
  again: {
    train: ["(As you know|Like I said), I live in {v}.", "I still live in {v}.", "(Yes|Yeah|Right), {v} is still my home.", "I'm (still |)here in {v}, as always.", "Living in {v} (is nice|is still nice|never gets old).",
      "Nothing new, I'm still living in {v}."],
    heldOut: ["I haven't moved, I'm in {v} as before.", "{v} remains my home.", "Same old, still settled in {v}."]
  }
}

export const job: SubjectPhrases = {
  question: {
    train: ["What is the job of {p}?", "What does {p} do for a living?", "What does {p} work as?", "Which job does {p} have?", "What is the profession of {p}?", "What kind of work does {p} do?"],
    heldOut: ["How does {p} earn a living?", "What is the occupation of {p}?", "As what is {p} employed?"]
  },
  new: {
    train: ["I work as {a v}.", "I'm {a v}(| by profession| by trade).", "I (have|got) a job as {a v}.", "My job is being {a v}.", "For a living, I work as {a v}.", "I (earn|make) my (money|living) as {a v}.",
      "I started working as {a v}.", "They hired me as {a v}.", "I've been {a v} for (years|a while|some time).", "I am working as {a v} (these days|at the moment).", "Being {a v} is my (job|profession).",
      "I (spend my days|am busy) working as {a v}."],
    heldOut: ["Professionally, I'm {a v}.", "My profession: {v}.", "I do {v} work for a living.", "I am employed as {a v}.", "If you ask what I do, I'm {a v}."]
  },
  replace: {
    train: ["I (switched|changed) jobs, I'm {a v} now.", "I (quit|left) my job as {a o} and (became|started as) {a v}.", "I'm no longer {a o}, I work as {a v} now.", "I (just |)became {a v}.",
      "My new job is {v}.", "I (gave up|stopped) being {a o}, now I'm {a v}.", "I (got|found|have) a new job as {a v}.", "From now on I work as {a v}.", "I changed careers and (became|am now) {a v}.",
      "I started a new career as {a v}."],
    heldOut: ["New career: I'm {a v} (starting today|as of this week).", "I retrained and now I'm {a v}.", "They (now |)employ me as {a v}, {o} was yesterday.", "My working life changed, I am now {a v}."]
  },
  remove: {
    train: ["I (lost|quit) my job(| as {a o}), I have no job now.", "I'm (out of work|unemployed)(| now| at the moment).", "I (stopped|gave up) working as {a o}, I'm (retired|without a job) now.", "I (got fired|was laid off), so no work for me now.",
      "I'm not {a o} anymore, I have no job (right now|at the moment).", "I (resigned|handed in my notice), now I'm without work."],
    heldOut: ["I retired(| early), no more {o} for me.", "My contract as {a o} ended and I have nothing new.", "I'm between jobs (now|since Monday), not {a o} any longer."]
  },
  again: {
    train: ["I'm still {a v}.", "(As you know|Like I told you), I work as {a v}.", "Work is (busy|fine|the same), I'm still {a v}.", "Being {a v} is (tiring|fun|still fun).", "Another day (at work|of work) as {a v}.",
      "Yes, I still work as {a v}."],
    heldOut: ["My job hasn't changed, still {a v}.", "I continue to work as {a v}.", "Same job as ever: {v}."]
  }
}

export const food: SubjectPhrases = {
  question: {
    train: ["What is the favorite food of {p}?", "Which food does {p} like best?", "What does {p} like to eat most?", "What is the favorite dish of {p}?", "What food does {p} love most?"],
    heldOut: ["What dish does {p} prefer above all?", "What is the top food for {p}?", "What would {p} rather eat than anything else?"]
  },
  new: {
    train: ["My favorite food is {v}.", "I love {v} (most of all|more than anything|above all).", "{v} is my favorite (dish|food|meal).", "I could eat {v} (every day|all day|all week).", "Nothing (beats|is better than) {v}(| for me).",
      "The (food|dish) I like (best|most) is {v}.", "If I had to pick one food, it would be {v}.", "I'm (crazy|mad) about {v}, it's my favorite.", "My favorite (meal|dish) has to be {v}.", "For me, {v} is the best food (there is|in the world).",
      "I always order {v}, my favorite."],
    heldOut: ["When it comes to food, {v} wins(| every time).", "{v} is what I like to eat most.", "My number one food is {v}.", "I adore {v}, no other food comes close.", "Give me {v} and I'm happy, it's my favorite."]
  },
  replace: {
    train: ["My favorite food is now {v}, not {o}.", "I used to love {o}, but (now |these days |)my favorite is {v}.", "I (changed my mind|have a new favorite): {v} is my favorite food(| now).", "{v} is my new favorite food.",
      "I like {v} (better|more) than {o} now, it's my favorite.", "I'm over {o}, my favorite is {v} now.", "Forget {o}, {v} is the best food.", "These days I prefer {v}, it's my new favorite (dish|food).",
      "My favorite dish changed from {o} to {v}."],
    heldOut: ["{v} has replaced {o} as my top food.", "My taste changed, now {v} comes first.", "Lately nothing but {v} will do, my new number one.", "{o} is out, {v} is in, as favorites go."]
  },
  remove: {
    train: ["I don't (like|love) {o} anymore, I have no favorite food now.", "{o} is no longer my favorite(|, I have none now|, nothing is).", "I (got|am) (tired|sick) of {o}, so no favorite food for now.", "I (stopped|quit) eating {o}, it isn't my favorite anymore."],
    heldOut: ["I lost my taste for {o}, no favorite left.", "I can't stand {o} any longer, so I have no top food."]
  },
  again: {
    train: ["{v} is still my favorite food.", "(As you know|Like I said), I love {v} most.", "I had {v} again, still my favorite.", "Yes, my favorite is still {v}.", "You know me, {v} is my favorite."],
    heldOut: ["I keep coming back to {v}, my favorite.", "My number one is {v}, as ever.", "No change there, {v} stays my favorite."]
  }
}

export const partner: SubjectPhrases = {
  question: {
    train: ["Who is the partner of {p}?", "Who is {p} dating?", "Who is {p} in a relationship with?", "What is the name of the partner of {p}?", "Who is {p} together with?"],
    heldOut: ["Whom is {p} seeing?", "With whom is {p} in love?", "Who is the other half of {p}?"]
  },
  new: {
    train: ["I'm dating {v}(| now).", "{v} and I are (together|a couple|dating)(| now).", "I (have|got) a new (boyfriend|girlfriend|partner), {v}.", "My partner is (called|named) {v}.", "I'm in a relationship with {v}.",
      "I (met|fell for) {v} and we are a couple(| now).", "My (boyfriend|girlfriend|partner) {v} (says hi|is wonderful|made me dinner).", "I'm (going out|together) with {v}.", "{v} is my (partner|boyfriend|girlfriend).", "{v} and I (started|have started) dating."],
    heldOut: ["I'm seeing {v}(|, it's serious).", "{v} and I are in love, we're a pair.", "My better half is {v}.", "I share my life with {v}.", "There's someone in my life, {v}, we're an item."]
  },
  replace: {
    train: ["I broke up with {o} and I'm dating {v} now.", "{o} and I split up, I'm with {v} now.", "I'm not with {o} anymore, {v} is my partner now.", "My new partner is {v}, {o} is history.", "I left {o} for {v}.",
      "After {o}, I am now in a relationship with {v}.", "I have a new (boyfriend|girlfriend|partner), {v}.", "{v} is my new partner(|, not {o})."],
    heldOut: ["{o} is my ex, these days I'm seeing {v}.", "I've moved on from {o}, {v} and I are a pair.", "A new love: {v} took the place of {o}."]
  },
  remove: {
    train: ["{o} and I broke up, I'm single(| now| again).", "I'm single again(|, {o} and I are done).", "I (split up|broke up) with {o}, I have no partner now.", "{o} left me, I'm alone now.", "It's over between {o} and me, I'm single."],
    heldOut: ["{o} and I went our separate ways, nobody new.", "My relationship with {o} has ended.", "No partner for me now, {o} and I called it quits."]
  },
  again: {
    train: ["{v} and I are still together.", "I'm still dating {v}.", "(As you know|Like I said), {v} is my partner.", "Things with {v} are (great|good|going well), we're still a couple.", "{v} is still my partner."],
    heldOut: ["{v} and I are as happy as ever together.", "Still going strong with {v}, my partner.", "Nothing has changed between {v} and me, still a pair."]
  }
}

export const friend: SubjectPhrases = {
  question: {
    train: ["Who is the best friend of {p}?", "What is the name of the best friend of {p}?", "Who is {p} closest friends with?", "Which friend is closest to {p}?"],
    heldOut: ["Who is the closest friend that {p} has?", "Whom does {p} call the best friend?"]
  },
  new: {
    train: ["My best friend is (called |named |){v}.", "{v} is my best friend.", "I have a best friend(| named| called) {v}.", "{v} and I are best friends.", "My closest friend is {v}.", "I (spend all my time|hang out a lot) with my best friend {v}.",
      "I (met|saw) my best friend {v} (today|yesterday|for lunch).", "No one is a better friend than {v}.", "My best friend {v} (came over|called me|visited)(| today)."],
    heldOut: ["Of all my friends, {v} is the closest.", "{v} has been my best buddy (since school|for ages).", "I'd call {v} my best friend.", "There is no friend like {v} for me."]
  },
  replace: {
    train: ["{v} is my best friend now, not {o}.", "{o} and I (fell out|had a fight), {v} is my best friend now.", "My new best friend is {v}.", "I have a new best friend, {v}.", "{o} is no longer my best friend, {v} is.",
      "These days my best friend is {v}(|, no longer {o})."],
    heldOut: ["{v} has become my closest friend, more than {o}.", "I drifted apart from {o}, now {v} is my best buddy.", "{v} took over from {o} as my best friend."]
  },
  remove: {
    train: ["{o} and I are not friends anymore.", "{o} is no longer my best friend, I have none now.", "I (lost|ended) my friendship with {o}.", "I don't have a best friend anymore, {o} and I (fell out|stopped talking)."],
    heldOut: ["My friendship with {o} is over.", "{o} turned away from me, no best friend now."]
  },
  again: {
    train: ["{v} is still my best friend.", "(As you know|Like I said), my best friend is {v}.", "{v} and I are still best friends.", "You know {v}, my best friend."],
    heldOut: ["{v} remains my closest friend.", "Still the best of buddies, {v} and I."]
  }
}

export const pets: SubjectPhrases = {
  question: {
    train: ["What are the names of the {k}s of {p}?", "What is the {k} of {p} called?", "Which {k}s does {p} have?", "What is the name of the {k} of {p}?", "What {k}s does {p} have?", "How are the {k}s of {p} called?"],
    heldOut: ["Name every {k} that {p} owns.", "What did {p} name the {k}?", "Which names do the {k}s of {p} have?"]
  },
  new: {
    train: ["I (have|got) a {k} (named|called) {v}.", "(I|We) (just |recently |finally |)(adopted|bought|got|rescued) a {k} (named|called) {v}(|, so cute).", "My {k} is (called|named) {v}.", "My {k} {v} (is so sweet|loves to play|sleeps all day|made a mess).",
      "I (took|brought) (in|home) a {k}, its name is {v}.", "The name of my {k} is {v}.", "I have a pet {k}, {v}.", "(There is|We have) a {k} in (our|my) (house|home), {v}.", "I own a {k} named {v}.",
      "I share my home with a {k}, {v}.", "{v} is my {k}.", "I got a {k} (for my birthday|as a gift) and named it {v}."],
    heldOut: ["A {k} called {v} lives with me.", "Meet {v}, my {k}.", "I'm the proud owner of a {k}, {v}.", "My {k} answers to the name {v}.", "I welcomed a {k} into my life and its name is {v}."]
  },
  add: {
    train: ["(I|We) (adopted|bought|got|rescued) another {k}, {v}.", "(I|We) (just |)(adopted|got) a second {k} (named|called) {v}.", "{o} has a (new |)(friend|companion|brother|sister) now, (a {k} named|another {k} called) {v}.",
      "I (have|got) one more {k}, {v}.", "(Now|Besides {o}) I also have a {k} named {v}.", "(I|We) took in another {k}(| today| last week), its name is {v}.", "{v} is my new {k}, {o} likes (the company|to play with {v}).",
      "I brought home a {k} to keep {o} company, {v}.", "We have an extra {k} now, {v}.", "In addition to {o}, I (got|adopted) a {k} called {v}."],
    heldOut: ["{o} got company: a {k} called {v} moved in too.", "The family grew by one more {k}, {v}.", "Yet another {k} in my house, {v}.", "Along with {o} there's now {v}, also a {k}."]
  },
  remove: {
    train: ["My {k} {o} (died|passed away)(| last week| yesterday).", "I (gave away|sold|gave up) my {k} {o}.", "{o}(|, my {k},) (ran away|is gone|went missing) and (won't|didn't) come back.", "I had to give {o}, my {k}, to (my uncle|a friend|my aunt).",
      "My {k} {o} lives with (my uncle|my parents|a friend) now, not with me.", "I (don't|no longer) have my {k} {o}(| anymore)."],
    heldOut: ["We lost our {k} {o}.", "{o} the {k} found a new owner.", "I said a last goodbye to my {k} {o}."]
  },
  again: {
    train: ["My {k} {v} is (doing well|fine|as lovely as ever).", "(As you know|Like I said), I have a {k} named {v}.", "I took my {k} {v} to the (vet|park) (today|yesterday).", "{v}, my {k}, (slept on my bed|ate my shoes|was funny today).",
      "I fed my {k} {v} (just now|this morning).", "I still have my {k} {v}."],
    heldOut: ["My {k} {v} keeps me busy(| as usual).", "I was playing with {v}, my {k}, all afternoon.", "{v} the {k} sends greetings."]
  }
}

export const siblings: SubjectPhrases = {
  question: {
    train: ["Who are the siblings of {p}?", "What are the names of the siblings of {p}?", "Which siblings does {p} have?", "Who is the sibling of {p}?", "What is the name of the sibling of {p}?"],
    heldOut: ["Name the brothers and sisters of {p}.", "Who grew up with {p} as a sibling?"]
  },
  new: {
    train: ["I have a (brother|sister|twin) (named|called) {v}.", "My (brother|sister|twin) is (called|named) {v}.", "My (older |younger |big |little |)(brother|sister) {v} (visited me|called|is funny|is in town).", "{v} is my (brother|sister).",
      "I grew up with my (brother|sister) {v}.", "I (met|had lunch with|talked to) my (brother|sister) {v} (today|yesterday)."],
    heldOut: ["A (brother|sister) of mine is called {v}.", "{v} and I have the same parents.", "You should meet {v}, my (brother|sister)."]
  },
  add: {
    train: ["I have another (brother|sister), {v}.", "Besides {o}, I have a (brother|sister) named {v}.", "My other (brother|sister) is (called|named) {v}.", "{v} is also my (brother|sister)(|, like {o}).", "I (also|even) have a second (brother|sister), {v}.",
      "I have one more (brother|sister), {v}.", "{o} and I have (a|another) (brother|sister), {v}."],
    heldOut: ["{o} is not the only one, {v} is my (brother|sister) too.", "Add {v} to my brothers and sisters.", "There's a further (brother|sister) in my family, {v}."]
  },
  again: {
    train: ["(As you know|Like I said), {v} is my (brother|sister).", "My (brother|sister) {v} (says hi|called again|is doing well).", "I saw my (brother|sister) {v} again.", "I told you about {v}, my (brother|sister)."],
    heldOut: ["{v}, my (brother|sister), sends greetings.", "You remember {v}, my (brother|sister)."]
  }
}

export const hobbies: SubjectPhrases = {
  question: {
    train: ["What are the hobbies of {p}?", "Which hobbies does {p} have?", "What does {p} do for fun?", "What is the hobby of {p}?", "What does {p} enjoy in the free time?"],
    heldOut: ["How does {p} spend free time?", "What pastimes does {p} have?"]
  },
  new: {
    train: ["My hobby is {v}.", "I (enjoy|love|do) {v} in my free time.", "I (took up|started|got into|discovered) {v}.", "For fun, I do {v}.", "I spend my weekends on {v}.", "(My favorite pastime|My hobby) is {v}.", "I'm (into|really into|a big fan of) {v}.",
      "{v} is my hobby.", "I relax with {v} after work.", "I joined a club for {v}.", "On (Sundays|Saturdays|weekends) I go for {v}."],
    heldOut: ["I've found a passion: {v}.", "{v} keeps me busy after work.", "When I'm free, it's all {v}.", "I signed up for {v} (classes|lessons)."]
  },
  add: {
    train: ["I also (enjoy|love|do) {v} now.", "Besides {o}, I (took up|started|do) {v}.", "I (have|picked up|found) another hobby, {v}.", "I got into {v} too(|, next to {o}).", "In addition to {o}, I (now |)do {v}.", "I added {v} to my hobbies.",
      "My second hobby is {v}.", "I have a new hobby on top of {o}: {v}.", "{v} is a hobby of mine too."],
    heldOut: ["On top of {o} there's {v} in my spare time.", "{o} was not enough, so {v} joined in.", "Another passion of mine now is {v}.", "I extended my free time list with {v}."]
  },
  remove: {
    train: ["I (stopped|gave up|quit) {o}.", "I don't do {o} anymore.", "{o} is no longer (my|a) hobby(| of mine).", "I lost interest in {o}.", "I (have no time|am too busy) for {o} now, I stopped.", "I'm done with {o}."],
    heldOut: ["I dropped {o}(|, it got boring).", "My time with {o} is over.", "{o} is off my list of hobbies."]
  },
  again: {
    train: ["I still (enjoy|love|do) {v}.", "(As you know|Like I said), {v} is my hobby.", "I did some {v} again(| this weekend| yesterday).", "{v} was fun again (today|yesterday|last night).", "I'm still into {v}."],
    heldOut: ["My passion for {v} goes on.", "{v} keeps being fun for me.", "As ever, I spend hours on {v}."]
  }
}

export const languages: SubjectPhrases = {
  question: {
    train: ["Which languages does {p} speak?", "What languages does {p} speak?", "What language does {p} speak?", "Which language can {p} speak?", "What languages can {p} speak?"],
    heldOut: ["In which languages can {p} talk?", "What languages does {p} know?"]
  },
  new: {
    train: ["I speak {v}.", "I can speak {v}(| quite well| fluently).", "I (learned|know) {v}.", "I'm (fluent in|good at) {v}.", "My {v} is (quite good|good|fluent).", "I grew up speaking {v}.", "I (passed|finished) my {v} course, so I speak it(| now).",
      "I use {v} (every day|at work|at home), I speak it well."],
    heldOut: ["{v} is a language I know well.", "I have a good command of {v}.", "Talking in {v} is no problem for me."]
  },
  add: {
    train: ["I also speak {v}(| now).", "Besides {o}, I speak {v}.", "I (learned|picked up) {v} too.", "I (learned|mastered) another language, {v}.", "In addition to {o}, I can speak {v}.", "I now speak {v} as well(| as {o}).",
      "My second language is {v}.", "I finished a course, so I also speak {v}.", "I've added {v} to my languages."],
    heldOut: ["{v} is one more language I know.", "Next to {o} I have a good command of {v}.", "My languages grew: {v} is in."]
  },
  remove: {
    train: ["I forgot all my {o}.", "I don't speak {o} anymore.", "I (can't|cannot) speak {o} (anymore|any longer), I forgot it.", "My {o} is gone, I forgot everything.", "I no longer speak {o}."],
    heldOut: ["I lost my {o} completely.", "{o} has slipped away from me, I can't talk in it now."]
  },
  again: {
    train: ["I still speak {v}.", "(As you know|Like I said), I speak {v}.", "I spoke {v} (at work|with a friend|on the phone) (today|yesterday).", "My {v} is still good.", "I was speaking {v} again (today|yesterday)."],
    heldOut: ["I keep my {v} fresh by talking.", "My {v} came in handy again."]
  }
}

export const trips: SubjectPhrases = {
  question: {
    train: ["When is {p} going to {v}?", "When does {p} travel to {v}?", "When is the trip of {p} to {v}?", "In which month does {p} go to {v}?", "When will {p} visit {v}?"],
    heldOut: ["What is the date of the {v} trip of {p}?", "At what time of the year does {p} head to {v}?"]
  },
  new: {
    train: ["I'm (going|traveling|flying) to {v} in {m}.", "I (booked|planned) a trip to {v} for {m}.", "I (will|am going to) visit {v} in {m}.", "In {m} I (go|travel|fly) to {v}.", "My trip to {v} is in {m}.", "I have (tickets|a flight) to {v} in {m}.",
      "(We|I) want to see {v} in {m}, it's all booked.", "{m} is when I go to {v}."],
    heldOut: ["I'm off to {v} come {m}.", "A journey to {v} is planned for {m}.", "{v} is waiting for me in {m}."]
  },
  replace: {
    train: ["I (moved|pushed) my trip to {v} to {m}.", "My trip to {v} is now in {m}(|, not in {o}).", "The trip to {v} was (moved|postponed) to {m}.", "I changed my tickets, I go to {v} in {m}(| now).", "I'm going to {v} in {m} instead(| of {o}).",
      "I (rebooked|changed) my flight to {v} to {m}."],
    heldOut: ["{v} has to wait until {m}, the plan changed.", "New plan: {v} in {m}.", "My {v} journey got shifted to {m}."]
  },
  remove: {
    train: ["I (canceled|called off) my trip to {v}.", "My trip to {v} is (canceled|off).", "I'm not going to {v} (anymore|after all).", "The trip to {v} won't happen."],
    heldOut: ["{v} is off the table, I stay home.", "I gave up my plan to see {v}."]
  },
  again: {
    train: ["I'm still going to {v} in {m}.", "(As you know|Like I said), I go to {v} in {m}.", "I can't wait for my trip to {v} in {m}.", "My trip to {v} in {m} is getting closer."],
    heldOut: ["The plan stands, {v} in {m}.", "I'm counting the days to {v} in {m}."]
  }
}

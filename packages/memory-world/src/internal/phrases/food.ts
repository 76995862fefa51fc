import type { SubjectPhrases } from "./phrasings.ts"

export const food: SubjectPhrases = {
  question: {
    train: [
      "What is the favorite food of {p}?",
      "Which food does {p} like best?",
      "What does {p} like to eat most?",
      "What is the favorite dish of {p}?",
      "What food does {p} love most?",
      "What does {p} (prefer|enjoy|love|want) to eat(| most| above all| more than anything)?",
      "(What|Which) (dish|meal|food) is (the favorite|the number one|most loved) (of|by) {p}?",
      "What is the (dish|meal|food) that {p} (likes|loves|enjoys) (best|most)?",
      "(Tell me|Do you know|Can you tell me|Remind me) what {p} likes (best|most|to eat most)(.|?)",
      "What (should|could) (I|we) cook to make {p} happy?",
      "What would {p} (order|choose|pick) (in a restaurant|for dinner|to eat)?",
      "What is the (preferred|best loved|most loved) (food|dish|meal) of {p}?",
      "Name the favorite (food|dish|meal) of {p}.",
      "What tastes best to {p}?"
    ],
    heldOut: [
      "What dish does {p} prefer above all?",
      "What is the top food for {p}?",
      "What would {p} rather eat than anything else?"
    ]
  },
  new: {
    train: [
      "My favorite food is {v}.",
      "I love {v} (most of all|more than anything|above all).",
      "{v} is my favorite (dish|food|meal).",
      "I could eat {v} (every day|all day|all week).",
      "Nothing (beats|is better than) {v}(| for me).",
      "The (food|dish) I like (best|most) is {v}.",
      "If I had to pick one food, it would be {v}.",
      "I'm (crazy|mad) about {v}, it's my favorite.",
      "My favorite (meal|dish) has to be {v}.",
      "For me, {v} is the best food (there is|in the world).",
      "I always order {v}, my favorite.",
      "I (adore|enjoy|prefer|like) {v} (above all|most|best|more than any other food).",
      "{v} (tastes|is) (best|better than anything)(| to me|, I could live on it).",
      "(There is|There's) (nothing|no food|no dish|no meal) (like|better than|as good as) {v}.",
      "I (cook|make|eat|order) {v} (all the time|every week|whenever I can), (I love it most|it's my favorite|nothing tastes better).",
      "When it comes to (food|eating|dinner), (I choose|I'd pick|my favorite is|I go for) {v}.",
      "{v} for (dinner|lunch)(!| please!) (It's my favorite|I like it best|I love it most).",
      "Of all (dishes|foods|meals), I (like|love|enjoy) {v} (best|most).",
      "I (have a weakness|have a soft spot|would do anything) for {v}(|, my favorite food).",
      "The (best|tastiest|finest) (food|dish|meal|thing to eat) is {v}(|, if you ask me| in my opinion).",
      "I can't (resist|live without|get enough of) {v}(|, it's my favorite).",
      "My (mother|grandma|family) made {v} (for me |)because it's my favorite.",
      "What I (like|love) to eat most is {v}.",
      "{v} is (what|the food|the meal|the dish) I (like|love|enjoy) (best|most).",
      "I'd choose {v} over (anything|any other food|everything else).",
      "{v} makes me (happy|so happy), it's (the best|my favorite).",
      "(For dinner|On my birthday|At restaurants) I (always|only) want {v}(|, I love it most).",
      "You can (win|bribe) me with {v}, (the best food|my favorite).",
      "I'm a (big |huge |)fan of {v}, (nothing tastes better|my favorite dish)."
    ],
    heldOut: [
      "When it comes to food, {v} wins(| every time).",
      "{v} is what I like to eat most.",
      "My number one food is {v}.",
      "I adore {v}, no other food comes close.",
      "Give me {v} and I'm happy, it's my favorite."
    ]
  },
  replace: {
    train: [
      "My favorite food is now {v}, not {o}.",
      "I used to love {o}, but (now |these days |)my favorite is {v}.",
      "I (changed my mind|have a new favorite): {v} is my favorite food(| now).",
      "{v} is my new favorite food.",
      "I like {v} (better|more) than {o} now, it's my favorite.",
      "I'm over {o}, my favorite is {v} now.",
      "Forget {o}, {v} is the best food.",
      "These days I prefer {v}, it's my new favorite (dish|food).",
      "My favorite dish changed from {o} to {v}.",
      "(It was|It used to be) {o}, (but now|now) (it's|I like) {v} (best|most|that I love most).",
      "My (taste|taste in food) (changed|is different now)(:|,) (I like {v} best|my favorite is {v}|{v} it is) now.",
      "{v} (has replaced|replaced|beats|has beaten) {o} as my favorite(| food| dish| meal).",
      "I (prefer|like|love|enjoy) {v} now(| more than {o}|, not {o} anymore), it's (the best|my favorite|my number one).",
      "I (switched|went|moved on) from {o} to {v}, my new favorite (food|dish|meal).",
      "My (new |)favorite (food|dish|meal) is {v}(|, {o} comes second| instead of {o}| now).",
      "I (tried|tasted|discovered) {v} and (it's my favorite now|now I like it best|it beats {o}).",
      "{o} (was|used to be) my favorite, (now|these days) {v} is.",
      "(Nowadays|Now|Lately|By now) I (like|love|enjoy) {v} (best|most|more than anything).",
      "I (no longer|don't) like {o} best(| anymore), {v} is (better|my favorite)(| now).",
      "I'd (choose|pick) {v} over {o} (any day|every time|now), it's my favorite now.",
      "{v} is (now |)my (number one|top|preferred) (food|dish|meal)(| now).",
      "{o}(|, my old favorite,) can't (compete with|beat) {v}(| anymore), I love {v} most now.",
      "These days (I love|I go for|I always want) {v} most."
    ],
    heldOut: [
      "{v} has replaced {o} as my top food.",
      "My taste changed, now {v} comes first.",
      "Lately nothing but {v} will do, my new number one.",
      "{o} is out, {v} is in, as favorites go."
    ]
  },
  remove: {
    train: [
      "I don't (like|love) {o} anymore, I have no favorite food now.",
      "{o} is no longer my favorite(|, I have none now|, nothing is).",
      "I (got|am) (tired|sick) of {o}, so no favorite food for now.",
      "I (stopped|quit) eating {o}, it isn't my favorite anymore.",
      "I (can't stand|can't eat|hate|dislike) {o} (anymore|these days|now)(|, and I have no other favorite).",
      "I (went off|am over|grew out of|am done with) {o}(|, there's no favorite now|, nothing replaced it).",
      "{o} (doesn't taste good|makes me sick|has lost its charm)(| anymore| now), I have no favorite(| food| dish).",
      "{o} (was|used to be) my favorite, (now|but now) I have none.",
      "I no longer (like|love|enjoy|eat) {o}(|, no favorite food anymore| best).",
      "(No more|Enough of|Enough) {o} (for me|), I don't have a favorite (food |dish |)(now|anymore).",
      "I (had|ate) too much {o}, I don't like it (anymore|any longer).",
      "My love for {o} is (gone|over), I like (nothing|no food) best now."
    ],
    heldOut: [
      "I lost my taste for {o}, no favorite left.",
      "I can't stand {o} any longer, so I have no top food."
    ]
  },
  again: {
    train: [
      "{v} is still my favorite food.",
      "(As you know|Like I said), I love {v} most.",
      "I had {v} again, still my favorite.",
      "Yes, my favorite is still {v}.",
      "You know me, {v} is my favorite.",
      "I (keep|am) (eating|cooking|ordering|loving) {v}, my favorite.",
      "I (still|always) (love|like|adore|prefer|enjoy) {v} (most|best|above all).",
      "I (cooked|made|ordered|ate) {v} (yesterday|today|for dinner|last night)(|, my favorite|, I love it most|, still the best).",
      "(Nothing new|No surprise|As always), (my favorite is|I like) {v}(| best).",
      "I (told|mentioned to) you (that |)I (love|like) {v} (best|most).",
      "There was {v} for (lunch|dinner)(|, my favorite|, lucky me, my favorite)!",
      "{v} (is|was) as (good|tasty) as ever, (my favorite|still my favorite).",
      "(Remember|Don't forget), {v} is my favorite(| food| dish).",
      "(Same|The same) favorite (food |dish |)as (ever|always), {v}."
    ],
    heldOut: [
      "I keep coming back to {v}, my favorite.",
      "My number one is {v}, as ever.",
      "No change there, {v} stays my favorite."
    ]
  }
}

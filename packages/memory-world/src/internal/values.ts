// The values of the Memory World. Each pool has a part for training and a part that only held-out dialogues use.
// Invented words join the training part, so that a model learns to copy what it has never seen instead of learning the
// pool by heart.
import { inventor } from "./invented.ts"
import type { Prng } from "./prng.ts"

export type Split = "train" | "heldOut"

interface Pool {
  readonly train: ReadonlyArray<string>
  readonly heldOut: ReadonlyArray<string>
  readonly capital: boolean
}

const list = (text: string): ReadonlyArray<string> =>
  text.split(",").map((word) => word.trim().replace(/\s+/g, " ")).filter((word) => word !== "")

export const people: Pool = {
  train: list(
    `Ann, Ben, Clara, David, Emma, Frank, Grace, Henry, Irene, Jack, Kate, Leo, Maria, Nathan, Olivia, Paul, Quinn, Rachel, Sam,
    Tina, Victor, Wendy, Xavier, Yara, Zoe, Adam, Bella, Carlos, Diana, Eric, Fiona, George, Hannah, Ivan, Julia, Kevin, Laura, Martin, Nora,
    Oscar, Petra, Robert, Sophie, Thomas, Ursula, Vera, Walter, Alice, Brian, Celia, Derek, Elena, Felix, Gina, Hugo, Ida, Joel, Karen,
    Lucas, Mona, Nick, Opal, Peter, Rosa, Simon, Tara, Uma, Vincent, Will, Anita, Boris, Carmen, Dennis, Edith, Fred, Gloria, Harold, Ines,
    Jorge, Kira, Liam, Mabel, Neil, Olga, Pablo, Rita, Stefan, Tess, Amir, Bianca, Cyril, Dora, Emil, Farah, Gordon, Helga, Ilse, Jonas`
  ),
  heldOut: list(
    `Margot, Dmitri, Soraya, Callum, Ingrid, Rafael, Beatrix, Theo, Naomi, Lars, Priya, Anton, Freya, Malik, Sienna, Otis, Corinne,
    Yusuf, Delphine, Gareth, Isolde, Kofi, Marisol, Bruno, Talia, Edgar, Wanda, Cosmo, Leona, Piers`
  ),
  capital: true
}

export const petNames: Pool = {
  train: list(
    `Buddy, Scout, Max, Luna, Rex, Bella, Milo, Daisy, Rocky, Coco, Toby, Lola, Jasper, Ruby, Oreo, Pepper, Simba, Nala, Biscuit, Ginger,
    Shadow, Misty, Bandit, Hazel, Cookie, Lucky, Sasha, Tiger, Waffles, Poppy, Rusty, Snowy, Ziggy, Peanut, Maple, Bear, Willow, Teddy, Olive,
    Pumpkin, Archie, Honey, Mocha, Duke, Penny, Socks, Benji, Cleo, Rolo, Fudge, Bingo, Marble, Kiki, Ranger, Sunny, Dotty, Barney, Tilly`
  ),
  heldOut: list(
    `Nugget, Captain, Saffron, Wilbur, Clover, Dexter, Juniper, Monty, Basil, Truffle, Gizmo, Harley, Indigo, Noodle, Pickle, Rascal,
    Sprout, Tango, Velvet, Whiskers, Bramble, Comet`
  ),
  capital: true
}

export const cities: Pool = {
  train: list(
    `Oslo, Paris, Lima, Cairo, Madrid, Tokyo, Boston, Dublin, Athens, Prague, Vienna, Lisbon, Berlin, Toronto, Sydney, Mumbai, Seoul,
    Denver, Austin, Naples, Geneva, Munich, Warsaw, Havana, Nairobi, Bogota, Quito, Chicago, Seattle, Milan, Porto, Lyon, Kyoto, Manila, Dakar,
    Tunis, Riga, Sofia, Zagreb, Bergen, Malaga, Leeds, Bristol, Glasgow, Hamburg, Basel, Turin, Seville, Ghent, Antwerp, Perth, Brisbane,
    Auckland, Calgary, Ottawa, Dallas, Portland, Phoenix, Miami, Atlanta, Nashville, Santiago, Montevideo, Accra, Lagos, Tbilisi, Hanoi`
  ),
  heldOut: list(
    `Helsinki, Marseille, Krakow, Vancouver, Osaka, Valencia, Cardiff, Tallinn, Rabat, Jakarta, Adelaide, Cologne, Bilbao, Utrecht,
    Medellin, Montreal, Yerevan, Cusco, Kigali, Trieste, Oaxaca, Dresden`
  ),
  capital: true
}

export const jobs: Pool = {
  train: list(
    `nurse, teacher, baker, plumber, lawyer, pilot, chef, dentist, farmer, painter, writer, barista, carpenter, librarian, electrician,
    journalist, pharmacist, accountant, gardener, mechanic, architect, photographer, translator, florist, tailor, waiter, cashier, editor,
    surgeon, programmer, firefighter, judge, butcher, cleaner, banker, musician, dancer, actor, sailor, miner, tour guide, bus driver, data
    analyst, sales manager, yoga instructor, web designer, lab technician, police officer, flight attendant, truck driver, school counselor,
    music producer, park ranger, product manager, civil engineer, night guard, film critic, math tutor`
  ),
  heldOut: list(
    `zookeeper, optician, beekeeper, geologist, plasterer, sculptor, paramedic, locksmith, copywriter, cartoonist, glassblower, roofer,
    wedding planner, speech therapist, ferry captain, piano tuner, museum curator, game designer, crane operator, tax advisor`
  ),
  capital: false
}

export const foods: Pool = {
  train: list(
    `pizza, sushi, ramen, lasagna, curry, tacos, pancakes, risotto, falafel, goulash, paella, burritos, dumplings, pasta, salad, steak,
    chili, waffles, omelette, gnocchi, moussaka, couscous, hummus, kebab, pierogi, ravioli, quiche, tofu, ceviche, biryani, fish pie, fried rice,
    apple pie, noodle soup, lentil stew, roast chicken, grilled salmon, tomato soup, cheese toast, beef stew, garlic bread, pumpkin soup,
    mushroom pie, potato salad, lemon cake, peanut noodles, shrimp rolls, bean stew, carrot cake, onion tart, egg curry, rice pudding`
  ),
  heldOut: list(
    `empanadas, carbonara, bibimbap, shakshuka, croissants, enchiladas, tiramisu, borscht, jambalaya, satay, duck confit, clam chowder,
    spinach pie, corn fritters, banana bread, crab cakes, pea soup, walnut cake, stuffed peppers, sesame noodles`
  ),
  capital: false
}

export const hobbies: Pool = {
  train: list(
    `chess, pottery, hiking, painting, cycling, swimming, knitting, fishing, running, surfing, skiing, baking, dancing, sewing, camping,
    gardening, reading, climbing, kayaking, archery, juggling, origami, sailing, boxing, tennis, golf, karate, badminton, rowing, photography,
    calligraphy, astronomy, woodworking, bird watching, stamp collecting, rock climbing, horse riding, scuba diving, table tennis, salsa dancing,
    model building, card games, trail running, ice skating, wine tasting, glass painting, stand-up comedy, crossword puzzles, book binding`
  ),
  heldOut: list(
    `fencing, snowboarding, quilting, beekeeping, volleyball, meditation, embroidery, parkour, sculpting, rugby, candle making, tap
    dancing, mountain biking, leather work, wood carving, kite flying, improv theatre, soap making, roller skating, board games`
  ),
  capital: false
}

export const languages: Pool = {
  train: list(
    `French, Spanish, German, Italian, Japanese, Korean, Arabic, Hindi, Russian, Polish, Dutch, Swedish, Greek, Turkish, Thai, Finnish, Czech,
    Danish, Hebrew, Swahili, Tamil, Urdu, Bengali, Romanian, Serbian, Croatian, Catalan, Welsh, Irish, Latin, Persian, Malay, Nepali, Zulu, Slovak`
  ),
  heldOut: list(
    `Portuguese, Mandarin, Norwegian, Hungarian, Vietnamese, Icelandic, Basque, Estonian, Tagalog, Armenian, Bulgarian, Maltese, Quechua`
  ),
  capital: true
}

export const petKinds: ReadonlyArray<string> = ["dog", "cat", "rabbit", "parrot", "hamster", "turtle", "horse"]

export const months: ReadonlyArray<string> = list(
  "January, February, March, April, May, June, July, August, September, October, November, December"
)

const everyWord = (capital: boolean, split: Split): ReadonlyArray<string> =>
  [people, petNames, cities, jobs, foods, hobbies, languages]
    .filter((pool) => pool.capital === capital)
    .flatMap((pool) => pool[split].flatMap((value) => value.toLowerCase().split(/[ -]/)))

const heldOutWords = new Set([...everyWord(true, "heldOut"), ...everyWord(false, "heldOut")])
const nameLike = inventor(everyWord(true, "train"), heldOutWords)
const nounLike = inventor(everyWord(false, "train"), heldOutWords)

// Of as many words as some value of the pool; of several, each is at times one that the pool has.
const invent = (random: Prng, { capital, train }: Pool): string => {
  const model = train.length === 0 ? [""] : random.pick(train).split(" ")
  const words = model.map((word) =>
    model.length > 1 && random.chance(0.5) ? word : (capital ? nameLike : nounLike)(random)
  )
  const value = words.join(" ")
  return capital ? value[0]!.toUpperCase() + value.slice(1) : value
}

/** A value that is none of `taken`; a training value is invented with the given probability. */
export const draw = (random: Prng, pool: Pool, split: Split, taken: ReadonlySet<string>, invented: number): string => {
  for (;;) {
    const value = split === "train" && random.chance(invented) ? invent(random, pool) : random.pick(pool[split])
    if (!taken.has(value)) return value
  }
}

export type { Pool }

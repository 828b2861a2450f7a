"""How word problems are asked, by kind; the test's wordings are others than the training's."""

from __future__ import annotations

from collections.abc import Mapping

from training.words import Split

__all__ = ["WORDINGS"]

WORDINGS: Mapping[str, Mapping[Split, tuple[str, ...]]] = {
    "boxes": {
        "train": (
            "There are {a} {boxes} with {b} {things} in each. How many {things} are there?",
            "{who} fills {a} {boxes} with {b} {things} each. How many {things} is that in all?",
            "A shop gets {a} {boxes}. Every one holds {b} {things}. How many {things} does it get?",
            "Each of {a} {boxes} contains {b} {things}. What is the total number of {things}?",
            "If {who} buys {a} {boxes} of {b} {things}, how many {things} does {who} have?",
            "{a} {boxes} stand in a room, {b} {things} in each of them. How many {things} are in the room?",
        ),
        "test": (
            "{who} carries {a} {boxes} to the car, each with {b} {things} inside. How many {things} are in the car?",
            "A truck is loaded with {a} {boxes} that hold {b} {things} apiece. How many {things} does it carry?",
        ),
    },
    "left": {
        "train": (
            "{who} has {a} {things} and gives {b} of them to {other}. How many are left?",
            "{who} had {a} {things}. {b} got lost. How many {things} does {who} still have?",
            "A shop has {a} {things} and sells {b}. How many remain?",
            "There were {a} {things} on the table; {other} took {b}. How many are there now?",
            "Out of {a} {things}, {b} were broken. How many were not?",
        ),
        "test": (
            "{who} owned {a} {things} before {b} were given away. How many does {who} own now?",
            "Of the {a} {things} in a store, {b} were sold today. How many are still in the store?",
        ),
    },
    "left twice": {
        "train": (
            "{who} has {a} {things}, gives {b} to {other} and loses {c}. How many are left?",
            "A shop has {a} {things}. It sells {b} in the morning and {c} in the afternoon. How many remain?",
            "There were {a} {things}. {who} took {b} and {other} took {c}. How many are still there?",
            "Of {a} {things}, {b} are sold on Monday and {c} on Tuesday. How many {things} are left?",
            "{who} starts with {a} {things}, uses {b} one day and {c} the next. How many does {who} have now?",
        ),
        "test": (
            "{who} baked {a} {things}. {other} ate {b}, and {c} were sold. How many {things} remain?",
            "A store had {a} {things} in stock, sold {b} in May and {c} in June. How many are in stock now?",
        ),
    },
    "wage": {
        "train": (
            "{who} earns {a} dollars an hour and works {b} hours. How much does {who} earn?",
            "A job pays ${a} per hour. What does {who} get for {b} hours?",
            "{who} is paid ${a} for each hour. How many dollars are that for {b} hours of work?",
            "For {b} hours of work at {a} dollars an hour, how much is {who} paid?",
            "How much money does {who} make in {b} hours with an hourly wage of ${a}?",
        ),
        "test": (
            "{who} works {b} hours a week at ${a} an hour. What is the weekly pay?",
            "The hourly rate of {who} is {a} dollars. How much do {b} hours bring in?",
        ),
    },
    "distance": {
        "train": (
            "A train goes {a} km an hour. How far does it go in {b} hours?",
            "{who} drives at {a} kilometres per hour for {b} hours. How many kilometres is that?",
            "A car drives {b} hours at a speed of {a} km/h. What distance does it cover?",
            "At {a} miles per hour, how many miles does a bus travel in {b} hours?",
            "{who} rides for {b} hours at {a} km/h. How far does {who} get?",
        ),
        "test": (
            "A boat keeps a speed of {a} km/h for {b} hours. How many kilometres does it sail?",
            "How far does a plane fly in {b} hours if it makes {a} km every hour?",
        ),
    },
    "duration": {
        "train": (
            "A train has to go {a} km at {b} km per hour. How many hours does it take?",
            "{who} drives {a} kilometres at {b} km/h. How long does the drive take, in hours?",
            "How many hours does it take to travel {a} miles at {b} miles per hour?",
            "The distance is {a} km and the speed {b} km/h. How many hours is the trip?",
            "A bus makes {b} km an hour. How many hours does it need for {a} km?",
        ),
        "test": (
            "{who} lives {a} km from {other} and drives {b} km/h. After how many hours does {who} arrive?",
            "How long, in hours, does a truck take for {a} km if it does {b} km in an hour?",
        ),
    },
    "percent": {
        "train": (
            "What is {a}% of {b}?",
            "How much is {a} percent of {b}?",
            "{a} % of {b} people came. How many people came?",
            "A town has {b} houses; {a} percent of them are empty. How many houses are empty?",
            "Of {b} {things}, {a}% are red. How many {things} are red?",
            "Calculate {a} % of {b}.",
        ),
        "test": (
            "Tell me {a} % of {b}.",
            "A school has {b} pupils and {a}% of them walk to school. How many pupils walk?",
        ),
    },
    "discount": {
        "train": (
            "A coat costs ${a} and is sold with {b}% off. What does it cost now?",
            "The price of a lamp is {a} dollars. It is reduced by {b} percent. What is the new price?",
            "{who} gets {b}% discount on a chair for ${a}. How much does {who} pay?",
            "A table of ${a} is {b}% cheaper today. What is the price today?",
            "What do you pay for a bike of {a} dollars after a discount of {b} percent?",
        ),
        "test": (
            "There is {b}% off a phone that costs {a} dollars. What does {who} pay for it?",
            "A jacket for ${a} is marked down by {b} percent. How much is it now?",
        ),
    },
    "increase": {
        "train": (
            "A meal costs ${a}, and {who} adds a tip of {b}%. What does {who} pay in all?",
            "The rent is {a} dollars and goes up by {b} percent. What is the new rent?",
            "A price of ${a} rises by {b}%. What is it then?",
            "The bill is {a} dollars without tax. The tax is {b} percent. What is the total?",
            "{who} earned ${a} and now gets {b}% more. How much does {who} earn now?",
        ),
        "test": (
            "A ticket of {a} dollars becomes {b}% more expensive. What does it cost then?",
            "{who} leaves a {b}% tip on a dinner of ${a}. How much is paid altogether?",
        ),
    },
    "interest": {
        "train": (
            "{who} lends ${a} at {b}% simple interest a year. How much interest is due after {c} years?",
            "What is the simple interest on {a} dollars at {b} percent a year for {c} years?",
            "A loan of ${a} costs {b}% simple interest each year. What interest is paid in {c} years?",
            "{who} puts {a} dollars into the bank for {c} years at {b}% simple interest. How much interest is that?",
            "How much simple interest do ${a} bring in {c} years at {b} percent?",
        ),
        "test": (
            "{who} borrows {a} dollars for {c} years at {b}% simple interest per year. How much interest does {who} pay?",
            "At {b} percent simple interest a year, what do ${a} earn in {c} years?",
        ),
    },
    "change": {
        "train": (
            "{who} buys {a} {things} at ${price} each and pays with ${c}. How much change does {who} get?",
            "{a} {things} cost ${price} each. {who} pays with {c} dollars. How much money comes back?",
            "{who} has {c} dollars and buys {a} {things} for ${price} each. How many dollars are left?",
            "One of the {things} is ${price}. {who} takes {a} and gives ${c}. What is the change?",
            "How much change from ${c} is there after buying {a} {things} at {price} dollars apiece?",
        ),
        "test": (
            "{who} goes shopping with ${c} and gets {a} {things}, each for {price} dollars. How much money is left over?",
            "A customer takes {a} {things} for ${price} apiece and hands over {c} dollars. What does the customer get back?",
        ),
    },
    "share": {
        "train": (
            "{a} {things} are shared equally by {b} people. How many does each get?",
            "{who} divides {a} {things} among {b} children. How many {things} does each child get?",
            "{b} friends split {a} {things} evenly. How many are that for each?",
            "How many {things} does each of {b} people get if there are {a}?",
            "{a} {things} are put into {b} equal heaps. How many are in each heap?",
        ),
        "test": (
            "{who} hands out {a} {things} to {b} guests, the same to everyone. How many does one guest receive?",
            "If {b} people divide {a} {things} fairly, what is each one's part?",
        ),
    },
    "remainder": {
        "train": (
            "{a} {things} are shared equally by {b} people, and only whole ones. How many are left over?",
            "{who} puts {a} {things} into bags of {b}. How many do not fit into a full bag?",
            "How many {things} are left over when {a} are divided among {b} people?",
            "{who} packs {a} {things} into boxes of {b} each. How many {things} remain without a full box?",
            "What remains when {a} {things} are split evenly between {b} children?",
        ),
        "test": (
            "{who} makes groups of {b} from {a} {things}. How many {things} are left over in the end?",
            "When {a} {things} are dealt out equally to {b} players, how many remain?",
        ),
    },
    "part sold": {
        "train": (
            "{who} packs {a} {boxes} with {b} {things} each and sells {part} of the {things} at {c} cents each. "
            "How many dollars does {who} get?",
            "A shop has {a} {boxes} of {b} {things}. It sells {part} of them for {c} cents each. How many dollars is that?",
            "There are {b} {things} in each of {a} {boxes}. {part} of the {things} are sold at {c} cents apiece. "
            "How much money is taken, in dollars?",
            "{who} has {a} {boxes}, each with {b} {things}, and sells {part} of all the {things}. Each costs {c} cents. "
            "What does {who} earn in dollars?",
            "A farmer fills {a} {boxes} with {b} {things} each. He sells {part} of the {things} for {c} cents each. "
            "How many dollars does he take in?",
            "A woman brings {a} {boxes} of {b} {things} to the market. She sells {part} of the {things} at {c} cents each. "
            "How many dollars does she make?",
        ),
        "test": (
            "A baker packs {a} {boxes} with {b} {things} each. She sells {part} of the {things} at {c} cents each. "
            "How many dollars does she take?",
            "{who} takes {a} {boxes} of {b} {things} to the fair, where {part} of the {things} find a buyer at {c} cents each. "
            "How many dollars does {who} bring home?",
        ),
    },
    "part": {
        "train": (
            "{who} has {a} {things} and gives away {part} of them. How many are left?",
            "{part} of {a} {things} were sold. How many were not sold?",
            "There are {a} {things}; {part} of them are used. How many remain?",
            "{who} loses {part} of {a} {things}. How many does {who} still have?",
            "A shop sells {part} of its {a} {things}. How many {things} are left in the shop?",
        ),
        "test": (
            "From a heap of {a} {things}, {who} takes away {part}. How many stay in the heap?",
            "{who} bought {a} {things} and ate {part} of them. How many {things} remain?",
        ),
    },
    "unit down": {
        "train": (
            "How many {small} are {a} {large}?",
            "Convert {a} {large} to {small}.",
            "{who} has {a} {large}. How many {small} is that?",
            "What are {a} {large} in {small}?",
            "Express {a} {large} in {small}.",
        ),
        "test": ("{a} {large} are how many {small}?", "Write {a} {large} as {small}."),
    },
    "unit up": {
        "train": (
            "How many {large} are {a} {small}?",
            "Convert {a} {small} to {large}.",
            "{who} has {a} {small}. How many {large} is that?",
            "What are {a} {small} in {large}?",
            "Express {a} {small} in {large}.",
        ),
        "test": ("{a} {small} are how many {large}?", "Write {a} {small} as {large}."),
    },
    "average": {
        "train": (
            "What is the average of {a}, {b} and {c}?",
            "{who} scored {a}, {b} and {c} points. What is the average score?",
            "Find the mean of {a}, {b} and {c}.",
            "Three tests gave {a}, {b} and {c} points. How many is that on average?",
            "On three days {who} sold {a}, {b} and {c} {things}. What is the mean per day?",
        ),
        "test": (
            "{who} read {a}, {b} and {c} pages on three days. How many pages a day is that on average?",
            "Calculate the mean value of the numbers {a}, {b} and {c}.",
        ),
    },
    "area": {
        "train": (
            "A garden is {a} metres long and {b} metres wide. What is its area?",
            "What is the area of a rectangle with sides of {a} and {b} metres?",
            "A room measures {a} by {b} metres. How many square metres is that?",
            "How many square metres has a field that is {a} m long and {b} m wide?",
            "{who} lays carpet in a room of {a} m by {b} m. How many square metres are needed?",
        ),
        "test": (
            "A yard has a length of {a} m and a width of {b} m. How large is its area in square metres?",
            "{who} paints a wall {a} metres long and {b} metres high. How many square metres are painted?",
        ),
    },
    "perimeter": {
        "train": (
            "A garden is {a} metres long and {b} metres wide. How long is the fence around it?",
            "What is the perimeter of a rectangle with sides of {a} and {b} metres?",
            "{who} runs once around a field of {a} m by {b} m. How many metres is that?",
            "How many metres of fence go around a yard {a} m long and {b} m wide?",
            "Find the perimeter of a room that measures {a} by {b} metres.",
        ),
        "test": (
            "A pool has a length of {a} m and a width of {b} m. What is its perimeter?",
            "{who} walks all the way round a park {a} metres long and {b} metres wide. How far is that?",
        ),
    },
    "date after": {
        "train": (
            "A course begins on {start} and takes {a} days. On which date does it end?",
            "What date is {a} days after {start}?",
            "{who} leaves on {start} and comes back {a} days later. On what date is that?",
            "Today is {start}. What is the date in {a} days?",
            "The bill of {start} must be paid within {a} days. What is the last date?",
        ),
        "test": (
            "{who} starts a job on {start} and has a review {a} days later. What is the date of the review?",
            "Counting from {start}, which date is it after {a} days?",
        ),
    },
    "days between": {
        "train": (
            "How many days are there from {start} to {end}?",
            "How many days lie between {start} and {end}?",
            "{who} leaves on {start} and returns on {end}. How many days is {who} away?",
            "A project runs from {start} until {end}. How many days is that?",
            "What is the number of days between {start} and {end}?",
        ),
        "test": (
            "{who} moved in on {start} and out on {end}. How many days lie in between?",
            "An exhibition opens on {start} and closes on {end}. How many days later is that?",
        ),
    },
    "age": {
        "train": (
            "{who} is {a} years old. {other} is {b} years older. How old is {other} in {c} years?",
            "{other} is {b} years older than {who}, who is {a}. How old will {other} be in {c} years?",
            "{who} is {a}, and {other} {b} years older. What is the age of {other} after {c} years?",
            "{who} is {a} years old and {b} years younger than {other}. How old is {other} {c} years from now?",
            "In {c} years, how old will {other} be, who is {b} years older than {who}, now {a}?",
        ),
        "test": (
            "{who} turned {a} today. {other} is older by {b} years. How old will {other} be {c} years from today?",
            "{other}'s age is {b} years more than that of {who}, who is {a}. What will {other}'s age be in {c} years?",
        ),
    },
    "recipe": {
        "train": (
            "A recipe for {b} people needs {a} grams of flour. How many grams are needed for {c} people?",
            "{who} uses {a} grams of rice for {b} people. How many grams does {who} need for {c}?",
            "{a} g of sugar are enough for {b} people. How much is needed for {c} people?",
            "For {b} guests {who} cooks {a} grams of pasta. How many grams for {c} guests?",
            "How many grams of meat do {c} people need if {b} people need {a} grams?",
        ),
        "test": (
            "A cake for {b} people takes {a} grams of butter. How many grams does a cake for {c} people take?",
            "{b} people eat {a} grams of bread. How many grams do {c} people eat?",
        ),
    },
    "growth": {
        "train": (
            "A town of {a} people grows by {b}% each year. How many people has it after {c} years?",
            "{who} puts ${a} into the bank at {b} percent compound interest a year. How much is it after {c} years?",
            "A number of {a} grows by {b} percent every year. What is it after {c} years?",
            "The value of ${a} rises {b}% a year. What is it worth in {c} years?",
            "A forest has {a} trees, and {b}% more each year. How many after {c} years?",
        ),
        "test": (
            "{who} saves {a} dollars with {b}% compound interest a year. How many dollars are there after {c} years?",
            "A village has {a} inhabitants and grows {b} percent a year. How many does it have in {c} years?",
        ),
    },
    "together": {
        "train": (
            "{who} makes {a} {things} an hour and {other} {b}. How many do they make together in {c} hours?",
            "One machine makes {a} {things} an hour, another {b}. How many {things} do both make in {c} hours?",
            "{who} packs {a} {things} per hour, {other} packs {b} per hour. How many are packed in {c} hours?",
            "Two pumps move {a} and {b} litres an hour. How many litres do they move in {c} hours?",
            "In one hour {who} paints {a} {things} and {other} {b}. How many do they paint in {c} hours?",
        ),
        "test": (
            "Each hour {who} sorts {a} {things} while {other} sorts {b}. How many have they sorted after {c} hours?",
            "Two bakers bake {a} and {b} {things} per hour. How many do they bake together in {c} hours?",
        ),
    },
    "fuel": {
        "train": (
            "A car uses {a} litres per 100 km. Petrol costs ${price} a litre. What does a trip of {b} km cost?",
            "{who} drives {b} km in a car that needs {a} litres for 100 km, at ${price} per litre. What does the fuel cost?",
            "How much does the petrol for {b} km cost at {price} dollars a litre if a car takes {a} litres per 100 km?",
            "A van takes {a} litres per 100 kilometres. A litre is ${price}. How many dollars does it cost to drive {b} km?",
            "Fuel is ${price} a litre. What does {who} pay for {b} km with {a} litres per 100 km?",
        ),
        "test": (
            "{who}'s car needs {a} litres of fuel per 100 km. What do {b} km cost when a litre is {price} dollars?",
            "A truck burns {a} litres every 100 km. With a litre at ${price}, how much is the fuel for {b} km?",
        ),
    },
    "entrance": {
        "train": (
            "A museum takes ${b} from adults and ${e} from children. What do {a} adults and {c} children pay?",
            "{a} adults at {b} dollars and {c} children at {e} dollars go to the zoo. What do they pay in all?",
            "Tickets are ${b} for adults and ${e} for children. How much are they for {a} adults and {c} children?",
            "A cinema sells {a} adult tickets at ${b} and {c} child tickets at ${e}. How much money does it take?",
            "What do {a} adults and {c} children pay if an adult pays {b} dollars and a child {e} dollars?",
        ),
        "test": (
            "A circus charges {b} dollars for an adult and {e} dollars for a child. What is the price for {a} adults and {c} children?",
            "A group of {a} adults and {c} children visits a castle. Adults pay ${b} each, children ${e} each. What is the total?",
        ),
    },
    "percent change": {
        "train": (
            "A price rises from {a} to {b} dollars. By how many percent does it rise?",
            "{who} earned ${a} and now earns ${b}. What is the increase in percent?",
            "The number of members grew from {a} to {b}. How many percent is that?",
            "What is the percent change from {a} to {b}?",
            "A town went from {a} houses to {b}. By what percentage did it grow?",
        ),
        "test": (
            "The rent went up from ${a} to ${b}. By what percent did it go up?",
            "Sales increased from {a} to {b} {things}. What is the percentage of the increase?",
        ),
    },
    "savings": {
        "train": (
            "{who} saves ${a} a week for {b} weeks and then spends ${c}. How much is left?",
            "For {b} weeks {who} puts {a} dollars aside each week, and pays {c} dollars for a book. What remains?",
            "{who} gets {a} dollars every week. After {b} weeks {who} spends {c} dollars. How many dollars are left?",
            "Saving ${a} per week, how much does {who} have after {b} weeks if ${c} were spent?",
            "{who} earns ${a} a week for {b} weeks and gives ${c} to {other}. How much does {who} keep?",
        ),
        "test": (
            "Every week for {b} weeks, {who} saves {a} dollars; then {c} dollars go for shoes. How much money is left?",
            "{who} puts ${a} into a jar each week. After {b} weeks, ${c} are taken out. How much is in the jar?",
        ),
    },
    "pages": {
        "train": (
            "A book has {a} pages. {who} reads {b} pages a day. How many days does it take to finish?",
            "{who} reads {b} pages every day of a book with {a} pages. After how many days is it finished?",
            "How many days are needed for {a} pages at {b} pages per day?",
            "{who} has {a} pages to read and manages {b} a day. How many days is that?",
            "With {b} pages a day, in how many days is a book of {a} pages read?",
        ),
        "test": (
            "{who} wants to read a novel of {a} pages, {b} pages each day. How many days will it take?",
            "A manuscript has {a} pages and {who} corrects {b} of them a day. How many days does {who} need?",
        ),
    },
    "profit": {
        "train": (
            "{who} buys {a} {things} for ${b} each and sells them for ${c} each. What is the profit?",
            "A shop buys {a} {things} at {b} dollars and sells each at {c} dollars. How much does it earn?",
            "{a} {things} cost {who} {b} dollars each and are sold at {c} dollars each. What is the gain?",
            "{who} pays ${b} for each of {a} {things} and sells each for ${c}. How many dollars of profit is that?",
            "What does {who} gain by buying {a} {things} at ${b} apiece and selling them at ${c} apiece?",
        ),
        "test": (
            "{who} gets {a} {things} at {b} dollars each and resells them at {c} dollars each. How much profit is made?",
            "A trader sells {a} {things} for ${c} each that cost ${b} each. What is the trader's profit?",
        ),
    },
    "more": {
        "train": (
            "{who} has {a} {things}. {other} has {b} more. How many do they have together?",
            "{other} has {b} {things} more than {who}, who has {a}. How many {things} do both have?",
            "{who} sold {a} {things}, and {other} {b} more than that. How many did they sell in all?",
            "On Monday {who} made {a} {things} and on Tuesday {b} more than on Monday. How many in both days?",
            "{who} picks {a} {things}; {other} picks {b} more. What is the total?",
        ),
        "test": (
            "{who} collects {a} {things} and {other} collects {b} more than {who}. How many have they collected in total?",
            "A first box has {a} {things}, a second box {b} more than the first. How many are in both?",
        ),
    },
    "times": {
        "train": (
            "{who} has {a} {things}. {other} has {b} times as many. How many do they have together?",
            "{other} has {b} times as many {things} as {who}, who has {a}. How many {things} do both have?",
            "{who} sold {a} {things}, and {other} sold {b} times that. How many did they sell in all?",
            "On Monday {who} made {a} {things} and on Tuesday {b} times as many. How many in both days?",
            "{who} picks {a} {things}; {other} picks {b} times as many. What is the total?",
        ),
        "test": (
            "{who} collects {a} {things} and {other} collects {b} times as many as {who}. How many have they in total?",
            "A first box has {a} {things}, a second box {b} times as many as the first. How many are in both?",
        ),
    },
    "hens": {
        "train": (
            "{who}'s hens lay {a} eggs a day. {who} eats {b} and sells the rest at {c} cents each. How many dollars a day is that?",
            "A farm gets {a} eggs each day. {b} are eaten, the others sold for {c} cents each. How many dollars come in?",
            "Of {a} eggs, {who} keeps {b} and sells the others at {c} cents apiece. How many dollars does {who} get?",
            "{who} collects {a} eggs, uses {b} for a cake and sells what is left for {c} cents each. How many dollars is that?",
            "Hens lay {a} eggs. {who} needs {b} of them; the rest is sold at {c} cents each. How much is it in dollars?",
        ),
        "test": (
            "{who} gets {a} eggs every day, bakes with {b} and sells the remaining eggs at {c} cents each. What are the dollars per day?",
            "There are {a} eggs; {b} break and the rest are sold for {c} cents apiece. How many dollars does {who} earn?",
        ),
    },
    "overtime": {
        "train": (
            "{who} earns ${a} an hour for {b} hours, and 1.5 times as much for {c} hours of overtime. What is the pay?",
            "The wage is {a} dollars an hour, and overtime pays one and a half times that. What are {b} hours and {c} overtime hours worth?",
            "{who} works {b} normal hours at ${a} and {c} overtime hours at 1.5 times the rate. How much does {who} earn?",
            "For overtime {who} gets 1.5 times the usual ${a} an hour. What does {who} get for {b} hours and {c} hours of overtime?",
            "How much are {b} hours at {a} dollars plus {c} hours overtime, paid one and a half times?",
        ),
        "test": (
            "{who} is paid ${a} an hour, and time and a half (1.5 times) for overtime. What is earned in {b} hours plus {c} overtime hours?",
            "With an hourly wage of {a} dollars and 1.5 times that for overtime, what do {b} hours and {c} hours of overtime bring {who}?",
        ),
    },
}

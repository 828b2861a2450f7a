"""Further ways in which the training asks word problems, by kind (see pal_wordings)."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["MORE"]

MORE: Mapping[str, tuple[str, ...]] = {
    "boxes": (
        "{who} loads {a} {boxes}, and in every one are {b} {things}. How many {things} are loaded?",
        "A van brings {a} {boxes} of {things}, {b} to each. How many {things} does it bring?",
        "How many {things} do {a} {boxes} hold if one holds {b}?",
        "{who} counts {a} {boxes} with {b} {things} apiece. How many {things} are there altogether?",
    ),
    "left": (
        "From {a} {things}, {who} sold {b}. How many has {who} now?",
        "{who} owns {a} {things} and throws away {b}. How many remain with {who}?",
        "{b} of the {a} {things} in a shop were bought. How many does the shop still have?",
        "Before lunch there were {a} {things}, then {b} were eaten. How many were left?",
    ),
    "left twice": (
        "{who} made {a} {things}; {b} were eaten by {other} and {c} given away. How many are left over?",
        "In stock are {a} {things}. In March {b} are sold, in April {c}. How many stay in stock?",
        "{who} bakes {a} {things}, sells {b} and eats {c}. How many remain?",
        "First {b} and then {c} of {a} {things} are taken. How many are left in the end?",
    ),
    "wage": (
        "Each hour brings {who} {a} dollars. How much is it after {b} hours?",
        "{who} worked {b} hours this week and is paid {a} dollars for every hour. What is the pay?",
        "What is the pay for {b} hours if the rate is ${a} an hour?",
        "The wage of {who} is ${a} an hour. What does {who} earn in {b} hours?",
    ),
    "distance": (
        "A ship makes {a} km each hour. How many km does it make in {b} hours?",
        "How many kilometres does a cyclist cover in {b} hours at {a} km/h?",
        "{who} flies for {b} hours with a speed of {a} km per hour. How far is the flight?",
        "If a train does {a} km every hour, how far does it travel in {b} hours?",
    ),
    "duration": (
        "A ship sails {a} km and makes {b} km each hour. How many hours does it sail?",
        "{who} has {a} km to go at {b} km/h. In how many hours is {who} there?",
        "At {b} km an hour, how many hours does one need for {a} km?",
        "How long does a lorry take, in hours, for a way of {a} km when it does {b} km an hour?",
    ),
    "percent": (
        "In a village of {b} people {a}% are children. How many children are there?",
        "{who} has {b} {things}, and {a} percent of them are blue. How many are blue?",
        "Give me {a} percent of {b}.",
        "A class of {b} has {a} % girls. How many girls are that?",
    ),
    "discount": (
        "A phone costs {a} dollars. {who} gets it {b} percent cheaper. How much does {who} pay?",
        "There is {b} % off a bag for ${a}. How much is the bag now?",
        "A sofa at ${a} is marked {b}% down. What must {who} pay for it?",
        "What does a watch of ${a} cost with {b} percent off?",
    ),
    "increase": (
        "A flight of {a} dollars gets {b} percent dearer. What is its price then?",
        "{who} pays ${a} for dinner and leaves {b}% on top. How much is paid in total?",
        "What is {a} dollars plus {b} percent?",
        "Last year it was ${a}; this year it is {b}% more expensive. What is it this year?",
    ),
    "interest": (
        "{who} borrows ${a} for {c} years. The simple interest is {b} percent a year. What interest does {who} pay?",
        "With {b}% simple interest per year, how much do {a} dollars earn in {c} years?",
        "How much simple interest comes from {a} dollars over {c} years at {b}% a year?",
        "For {c} years {who} owes {a} dollars at {b}% simple interest a year. How much is the interest?",
    ),
    "change": (
        "{who} takes {c} dollars to the shop and buys {a} {things}, {price} dollars each. How much is left over?",
        "A customer buys {a} {things} for {price} dollars each and gives {c} dollars. How much does the customer get back?",
        "With ${c}, {who} pays for {a} {things} at ${price} apiece. How much money remains?",
        "After buying {a} {things} at ${price} each, what is left of {c} dollars?",
    ),
    "share": (
        "{who} gives {a} {things} to {b} friends, each the same. How many does each friend receive?",
        "{a} {things} go to {b} people in equal parts. What is one part?",
        "If {a} {things} are handed to {b} pupils evenly, how many has each pupil?",
        "Everyone of {b} gets the same from {a} {things}. How many is that?",
    ),
    "remainder": (
        "{who} deals {a} {things} to {b} players until no full round is left. How many {things} remain?",
        "{a} {things} are put into rows of {b}. How many are left over after the last full row?",
        "From {a} {things} as many groups of {b} as possible are made. How many are left?",
        "How many of {a} {things} remain if {b} people each get the same whole number?",
    ),
    "part sold": (
        "{who} brings {a} {boxes} with {b} {things} each to a market and sells {part} of the {things} at {c} cents each. "
        "How many dollars does {who} make?",
        "A cook makes {a} {boxes} of {b} {things}. {part} of the {things} are bought for {c} cents each. "
        "How many dollars come in?",
        "A grower packs {a} {boxes} with {b} {things} each. He sells {part} of the {things} at {c} cents each. "
        "How many dollars does he get?",
        "At the fair, {part} of the {things} from {a} {boxes} of {b} are sold at {c} cents apiece. How many dollars is that?",
    ),
    "part": (
        "{who} buys {a} {things} and eats {part} of them. How many does {who} have left?",
        "Of a pile of {a} {things} {who} carries away {part}. How many stay?",
        "After {part} of its {a} {things} are gone, how many does a store still have?",
        "{a} {things} are there, and {part} of them break. How many are whole?",
    ),
    "unit down": (
        "How many {small} make {a} {large}?",
        "Change {a} {large} into {small}.",
        "Give {a} {large} in {small}.",
        "{who} waits for {a} {large}: how much is it in {small}?",
    ),
    "unit up": (
        "How many {large} make {a} {small}?",
        "Change {a} {small} into {large}.",
        "Give {a} {small} in {large}.",
        "{who} needs {a} {small}: how much is it in {large}?",
    ),
    "average": (
        "{who} walked {a}, {b} and {c} km on three days. What is the average per day?",
        "Compute the average of the numbers {a}, {b} and {c}.",
        "The temperatures were {a}, {b} and {c}. What was the mean?",
        "{who} got {a}, {b} and {c} {things} in three weeks. How many a week is that on average?",
    ),
    "area": (
        "A floor has a length of {a} m and a width of {b} m. What is its area?",
        "{who} paints a fence {a} metres long and {b} metres high. How large is the painted area?",
        "How large is a lawn of {a} by {b} metres, in square metres?",
        "A wall is {a} metres wide and {b} metres high. How many square metres is it?",
    ),
    "perimeter": (
        "A lake is a rectangle with a length of {a} m and a width of {b} m. How long is the way around?",
        "{who} walks once around a square of {a} by {b} metres. How far does {who} walk?",
        "What is the way all around a house that is {a} metres long and {b} metres wide?",
        "A frame is {a} cm long and {b} cm wide. What is its perimeter?",
    ),
    "date after": (
        "{who} orders on {start}, and it comes {a} days later. On which date does it come?",
        "Starting from {start}, what date is it {a} days later?",
        "A visa of {start} is good for {a} days. On what date does it end?",
        "Which date is {a} days from {start}?",
    ),
    "days between": (
        "{who} was born on {start}; {other} on {end}. How many days lie between?",
        "A fair starts on {start} and ends on {end}. How many days later is the end?",
        "Count the days from {start} to {end}.",
        "{who} rents a flat from {start} to {end}. For how many days is that?",
    ),
    "age": (
        "{who} is {a} today, and {other} is {b} years older. In {c} years, what is the age of {other}?",
        "{other} is {b} years ahead of {who}, aged {a}. How old is {other} {c} years later?",
        "Now {who} is {a}. {other} was born {b} years before {who}. How old will {other} be in {c} years?",
        "The age of {who} is {a}. {other} is older by {b} years. What will the age of {other} be in {c} years?",
    ),
    "recipe": (
        "{b} people need {a} grams of cheese. How much do {c} people need?",
        "A soup for {b} people takes {a} grams of beans. How many grams does a soup for {c} people take?",
        "{who} bakes with {a} grams of nuts for {b} people. How many grams would be right for {c}?",
        "If {a} grams feed {b} guests, how many grams feed {c} guests?",
    ),
    "growth": (
        "A colony of {a} birds grows by {b} percent a year. How many birds are there in {c} years?",
        "{who} has {a} dollars at {b}% compound interest a year. What is it after {c} years?",
        "With {b}% growth each year, how large is a city of {a} people in {c} years?",
        "{a} members grow by {b}% a year. How many members after {c} years?",
    ),
    "together": (
        "{who} can fold {a} {things} an hour, {other} {b}. How many do both fold in {c} hours?",
        "Two workers pack {a} and {b} {things} in an hour. How many do they pack together in {c} hours?",
        "Every hour, {who} checks {a} {things} and {other} checks {b}. How many are checked in {c} hours?",
        "Working {c} hours, how many {things} do {who} with {a} an hour and {other} with {b} an hour make?",
    ),
    "fuel": (
        "For 100 km a bus needs {a} litres, and a litre costs {price} dollars. What do {b} km cost?",
        "{who}'s van burns {a} litres per 100 km. At ${price} a litre, what is the cost of {b} km?",
        "A trip of {b} km: the car needs {a} litres every 100 km and a litre is ${price}. How much is the fuel?",
        "How many dollars of petrol does {who} use for {b} km, at {a} litres per 100 km and ${price} a litre?",
    ),
    "entrance": (
        "A park charges ${b} for an adult, ${e} for a child. What do {a} adults and {c} children cost?",
        "{a} adults and {c} children visit a tower; adults pay {b} dollars each, children {e} dollars each. How much is it?",
        "A train ticket is {b} dollars for adults and {e} dollars for children. What is the total for {a} adults and {c} children?",
        "How much is the entrance for {a} adults at ${b} each and {c} children at ${e} each?",
    ),
    "percent change": (
        "The number of {things} went up from {a} to {b}. What is the rise in percent?",
        "Visitors increased from {a} to {b}. By how many percent did they increase?",
        "By what percent is {b} more than {a}?",
        "The fee went from {a} to {b} dollars. What is the increase as a percentage?",
    ),
    "savings": (
        "Each week {who} puts {a} dollars into a box for {b} weeks, then takes out {c} dollars. How much is in the box?",
        "{who} collects ${a} every week. After {b} weeks {c} dollars are paid for a gift. How many dollars remain?",
        "After {b} weeks of saving ${a} a week, {who} buys shoes for ${c}. How much money is left?",
        "How much is left of {b} weeks of saving {a} dollars each, when {c} dollars are spent?",
    ),
    "pages": (
        "{who} writes {b} pages a day of a text with {a} pages. How many days does {who} need?",
        "A novel of {a} pages is read at {b} pages each day. How many days will that take?",
        "{who} wants to finish {a} pages, {b} of them a day. How many days are needed?",
        "How many days does a text of {a} pages take if {b} pages are done a day?",
    ),
    "profit": (
        "A trader buys {a} {things} at ${b} each and sells them at ${c} each. What is the profit?",
        "{a} {things} that cost ${b} each are sold for ${c} each. How much profit does {who} make?",
        "{who} sells {a} {things} for {c} dollars each after paying {b} dollars for each. What is the profit?",
        "How much profit do {a} {things} bring that are bought at {b} and sold at {c} dollars each?",
    ),
    "more": (
        "A first bag holds {a} {things}, a second {b} more. How many are in both bags?",
        "{who} found {a} {things} and {other} found {b} more than {who}. How many did both find?",
        "{a} {things} lie on one shelf, and {b} more than that on another. How many lie on both?",
        "{who} has {a} {things}, {other} {b} more than {who}. How many have they in total?",
    ),
    "times": (
        "A first bag holds {a} {things}, a second {b} times as many. How many are in both bags?",
        "{who} found {a} {things} and {other} found {b} times as many as {who}. How many did both find?",
        "{a} {things} lie on one shelf, and {b} times as many on another. How many lie on both?",
        "{who} has {a} {things}, {other} {b} times as many as {who}. How many have they in total?",
    ),
    "hens": (
        "Each day there are {a} eggs. {who} cooks {b} of them and sells the others for {c} cents each. How many dollars a day?",
        "{a} eggs are laid; {b} break, and the remaining eggs are sold at {c} cents each. How many dollars are earned?",
        "{who} has {a} eggs and gives {b} to {other}. The rest sells for {c} cents each. How many dollars does {who} get?",
        "From {a} eggs {who} bakes with {b} and sells the remaining ones at {c} cents apiece. How many dollars is it?",
    ),
    "overtime": (
        "{who} gets ${a} an hour and time and a half for overtime. What do {b} hours and {c} overtime hours bring?",
        "With ${a} per hour and 1.5 times that for overtime, how much are {b} hours plus {c} hours of overtime?",
        "{b} hours at ${a} each, and {c} hours of overtime at one and a half times the rate: what does {who} earn?",
        "What is earned in {b} hours at {a} dollars an hour and {c} more hours at 1.5 times that?",
    ),
}

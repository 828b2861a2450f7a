"""How travel tasks are asked; the test's wordings are others than the training's.

{what} is the flight that is wanted, {o} and {d} are cities, {when} is a day with its preposition, {who} the people.
"""

from __future__ import annotations

from collections.abc import Mapping

from training.words import Split

__all__ = ["ASK_FLIGHT", "BOOK_FLIGHT", "FRAMES", "OTHER", "SMALL_TALK", "WHAT"]

FRAMES: Mapping[Split, tuple[str, ...]] = {
    "train": ("{}", "{}", "{}", "{}", "Hello! {}", "Hi, {}", "{} Thanks.", "{} Thank you!"),
    "test": ("{}", "{}", "{}", "Good morning. {}", "{} Many thanks."),
}
BOOK_FLIGHT: Mapping[Split, tuple[str, ...]] = {
    "train": (
        "Book {what} from {o} to {d} {when} for {who}.",
        "Please book {what} from {o} to {d} {when} for {who}.",
        "Book {who} on {what} from {o} to {d} {when}.",
        "I need {what} from {o} to {d} {when}; book it for {who}.",
        "{who} must fly from {o} to {d} {when}. Book {what}.",
        "Find {what} from {o} to {d} {when} and book it for {who}.",
        "Reserve {what} to {d} from {o} {when} for {who}.",
        "Make a booking for {who}: {what} from {o} to {d} {when}.",
        "Can you book {what} from {o} to {d} {when}? It is for {who}.",
        "For {who}, book {what} {when} from {o} to {d}.",
        "Get {who} from {o} to {d} {when}: book {what}.",
        "Buy {what} from {o} to {d} {when} for {who}.",
    ),
    "test": (
        "Could you reserve {what} {when}, {o} to {d}, in the name of {who}?",
        "{who} wants to travel from {o} to {d} {when}. Please book {what}.",
        "Look for {what} from {o} to {d} {when}, and then book it for {who}.",
        "I want you to book {who} onto {what} leaving {o} for {d} {when}.",
        "Book {what} for {who} from {o} to {d} {when}.",
    ),
}
ASK_FLIGHT: Mapping[Split, tuple[str, ...]] = {
    "train": (
        "What is {what} from {o} to {d} {when}?",
        "Which is {what} from {o} to {d} {when}?",
        "Show me {what} from {o} to {d} {when}.",
        "Find {what} from {o} to {d} {when}. Do not book it.",
        "{what} from {o} to {d} {when}: which one is it?",
        "I only want to know {what} from {o} to {d} {when}.",
        "Search {what} {when} from {o} to {d}.",
        "How much is {what} from {o} to {d} {when}?",
        "When does {what} from {o} to {d} leave {when}?",
        "{who} asks for {what} from {o} to {d} {when}. Which is it?",
        "Look up {what} from {o} to {d} {when} for {who}.",
        "What does {what} from {o} to {d} cost {when}?",
    ),
    "test": (
        "Tell me {what} from {o} to {d} {when}.",
        "Can you tell {who} which is {what} {when} from {o} to {d}?",
        "What would {what} from {o} to {d} {when} cost me?",
        "Just look up {what} from {o} to {d} {when}, no booking.",
        "Please check {what} from {o} to {d} {when}.",
    ),
}
WHAT: Mapping[str, Mapping[Split, tuple[str, ...]]] = {
    "cheapest": {
        "train": ("the cheapest flight", "the cheapest direct flight", "the flight with the lowest price",
                  "the least expensive flight", "the cheapest connection"),
        "test": ("the cheapest flight", "the lowest-priced flight", "the cheapest seat"),
    },
    "earliest": {
        "train": ("the earliest flight", "the first flight of the day", "the earliest direct flight",
                  "the flight that leaves first", "the first flight in the morning"),
        "test": ("the earliest flight", "the day's first flight", "the earliest departure"),
    },
    "latest": {
        "train": ("the latest flight", "the last flight of the day", "the latest direct flight",
                  "the flight that leaves last", "the last flight in the evening"),
        "test": ("the latest flight", "the day's last flight", "the latest departure"),
    },
    "under": {
        "train": ("a flight for at most ${n}", "a flight under ${n}", "a flight for no more than {n} dollars",
                  "a flight that costs at most ${n}", "a flight for up to ${n}"),
        "test": ("a flight below ${n}", "a flight of at most {n} dollars", "a flight with a price of up to ${n}"),
    },
}  # fmt: skip
OTHER: Mapping[str, Mapping[Split, tuple[str, ...]]] = {
    "list flights": {
        "train": ("Which flights are there from {o} to {d} {when}?", "List the flights from {o} to {d} {when}.",
                  "What flights go from {o} to {d} {when}?", "Show all flights from {o} to {d} {when}.",
                  "I would like to see the flights from {o} to {d} {when}."),
        "test": ("How can I fly from {o} to {d} {when}?", "Give me a list of flights from {o} to {d} {when}."),
    },
    "under?": {
        "train": ("Is there a flight from {o} to {d} {when} for at most ${n}?",
                  "Are there flights under ${n} from {o} to {d} {when}?",
                  "Can one fly from {o} to {d} {when} for no more than {n} dollars?",
                  "Does any flight from {o} to {d} {when} cost at most ${n}?"),
        "test": ("Is it possible to fly from {o} to {d} {when} for up to ${n}?",
                 "Do you see a flight from {o} to {d} {when} below ${n}?"),
    },
    "seats?": {
        "train": ("Is there a flight from {o} to {d} {when} with {n} seats?",
                  "Are {n} seats free on a flight from {o} to {d} {when}?",
                  "We are {n} people. Is there a flight from {o} to {d} {when} for us?"),
        "test": ("Can {n} people fly together from {o} to {d} {when}?", "Do you have {n} seats from {o} to {d} {when}?"),
    },
    "return": {
        "train": ("Book the cheapest flights for {who}: {o} to {d} {when}, and back {back}.",
                  "{who} flies from {o} to {d} {when} and returns {back}. Book the cheapest flight each way.",
                  "Book a return trip for {who} from {o} to {d}, out {when} and back {back}, as cheap as possible.",
                  "Book the cheapest flight from {o} to {d} {when} for {who}, and the cheapest one back {back}."),
        "test": ("{who} needs the cheapest flight from {o} to {d} {when} and the cheapest flight back {back}. Book both.",
                 "Please book out and back for {who} at the lowest price: {o} to {d} {when}, return {back}."),
    },
    "ask hotel": {
        "train": ("What is the cheapest hotel in {d} {when} for {nights}?",
                  "How much is the cheapest hotel room in {d} {when} for {nights}?",
                  "Find the cheapest hotel in {d} {when} for {nights}. Do not book.",
                  "Which hotel in {d} is the cheapest {when}, for {nights}?",
                  "Show me the cheapest room in {d} {when} for {nights}."),
        "test": ("Tell me the cheapest hotel in {d} {when} for {nights}.",
                 "What would a room in {d} cost {when} for {nights}, at the lowest?"),
    },
    "book hotel": {
        "train": ("Book the cheapest hotel in {d} {when} for {nights} for {who}.",
                  "Please book the cheapest room in {d} {when} for {nights} for {who}.",
                  "{who} needs a hotel in {d} {when} for {nights}. Book the cheapest.",
                  "Find the cheapest hotel in {d} {when} for {nights} and book it for {who}.",
                  "Reserve the cheapest hotel room in {d} for {who}, {when}, for {nights}."),
        "test": ("{who} stays in {d} {when} for {nights}. Please book the cheapest hotel.",
                 "I want the cheapest hotel in {d} {when} for {nights}, booked for {who}."),
    },
    "flight and hotel": {
        "train": ("Book the cheapest flight from {o} to {d} {when} for {who}, and the cheapest hotel there for {nights}.",
                  "{who} flies from {o} to {d} {when} and stays for {nights}. Book the cheapest flight and hotel.",
                  "Book a trip for {who}: the cheapest flight from {o} to {d} {when}, then the cheapest hotel for {nights}.",
                  "For {who}, book the cheapest flight from {o} to {d} {when} and the cheapest room there for {nights}."),
        "test": ("{who} travels from {o} to {d} {when} for {nights}. Please book the cheapest flight and the cheapest hotel.",
                 "Please book flight and hotel for {who}, both the cheapest: {o} to {d} {when}, {nights}."),
    },
    "list bookings": {
        "train": ("List my bookings.", "What have I booked?", "Show all my bookings.", "Which bookings do I have?",
                  "What bookings are there?", "Show me what is booked."),
        "test": ("Give me a list of my bookings.", "Do I have any bookings?"),
    },
    "get": {
        "train": ("Show booking {b}.", "What is booking {b}?", "Tell me about booking {b}.", "What did I book as {b}?",
                  "Look up {b}."),
        "test": ("Give me the details of booking {b}.", "What do you know about {b}?"),
    },
    "cancel": {
        "train": ("Cancel booking {b}.", "Please cancel {b}.", "I do not need booking {b} any more: cancel it.",
                  "Cancel my booking {b}, please.", "Booking {b} has to be cancelled."),
        "test": ("Could you cancel {b} for me?", "My plans changed. Please cancel booking {b}."),
    },
    "cancel for": {
        "train": ("Cancel the booking of {who}.", "Please cancel what is booked for {who}.",
                  "{who} cannot travel. Cancel the booking.", "Cancel the trip of {who}.",
                  "The booking for {who} has to be cancelled."),
        "test": ("Could you cancel the booking in the name of {who}?", "{who} is ill: please cancel the trip."),
    },
}  # fmt: skip
SMALL_TALK: Mapping[Split, tuple[tuple[str, str], ...]] = {
    "train": (
        ("Hello!", "Hello! I can search and book flights and hotels."),
        ("Hi there.", "Hello! I can search and book flights and hotels."),
        ("What can you do?", "I can search and book flights and hotels, and show or cancel bookings."),
        ("Who are you?", "I am an assistant that can search and book flights and hotels."),
        ("Thank you.", "You are welcome."),
        ("Thanks a lot!", "You are welcome."),
        ("Good evening.", "Hello! I can search and book flights and hotels."),
        ("Can you help me?", "I can search and book flights and hotels, and show or cancel bookings."),
        ("What are you good for?", "I can search and book flights and hotels, and show or cancel bookings."),
        ("Good bye.", "Good bye!"),
    ),
    "test": (
        ("Good day!", "Hello! I can search and book flights and hotels."),
        ("What are you able to do?", "I can search and book flights and hotels, and show or cancel bookings."),
        ("Many thanks.", "You are welcome."),
    ),
}

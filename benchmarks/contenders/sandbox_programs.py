"""The programs that every engine runs. Standard library only: the peers' environment imports this file too."""

from __future__ import annotations

__all__ = ["HEAVY", "SMALL", "SMALL_ANSWER"]

SMALL = """def solution():
    eggs_per_day = 16
    eggs_eaten = 3
    eggs_baked = 4
    eggs_sold = eggs_per_day - eggs_eaten - eggs_baked
    price_per_egg = 2
    money_made = 0
    for day in range(7):
        money_made += eggs_sold * price_per_egg
    return money_made
"""
SMALL_ANSWER = 126

HEAVY = {
    "primes, while": """
def solution():
    count = 0
    n = 2
    while n < 60000:
        i = 2
        prime = True
        while i * i <= n:
            if n % i == 0:
                prime = False
                break
            i += 1
        if prime:
            count += 1
        n += 1
    return count
""",
    "nested loops": """
def solution():
    total = 0
    for i in range(1500):
        for j in range(1000):
            total += i ^ j
    return total
""",
    "sieve": """
def solution():
    n = 300000
    sieve = [True] * (n + 1)
    for i in range(2, 548):
        if sieve[i]:
            for j in range(i * i, n + 1, i):
                sieve[j] = False
    return sum(sieve) - 2
""",
    "objects, methods": """
class Counter:
    def __init__(self):
        self.value = 0
    def add(self, n):
        self.value = self.value + n
def solution():
    counter = Counter()
    for i in range(300000):
        counter.add(i)
    return counter.value
""",
    "word count": """
def solution():
    words = ['apple', 'pear', 'plum', 'fig', 'kiwi'] * 60000
    counts = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return counts['plum']
""",
    "comprehensions": """
def solution():
    pairs = [(i, i * i) for i in range(200000)]
    return sum(b - a for a, b in pairs if a % 3 == 0)
""",
}

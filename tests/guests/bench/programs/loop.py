# The loop that the guest's python runs: dictionaries, lists, text, calls, big numbers.
import sys

percent = int(sys.argv[1])


class Account:
    def __init__(self, name):
        self.name = name
        self.total = 0

    def add(self, amount):
        self.total += amount
        return self


def words(count):
    state = 1
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        yield "w%d" % (state >> 40) if state & 1 << 50 else "x%d" % (state >> 52)


def primes(limit):
    found = []
    for number in range(2, limit):
        if all(number % prime for prime in found if prime * prime <= number):
            found.append(number)
    return found


def main():
    count = max(1, 80000 * percent // 100)
    accounts = {}
    for index, word in enumerate(words(count)):
        accounts.setdefault(word, Account(word)).add(index % 7)
    ordered = sorted(accounts.values(), key=lambda account: (-account.total, account.name))
    text = ",".join(account.name for account in ordered[:2000])
    sums = [len(part) * ord(part[-1]) for part in text.split(",")]
    big = 1
    for number in range(1, 2 + count // 200):
        big = big * number % (10**60 + 7)
    print(len(accounts), sum(sums), big, sum(primes(2 + count // 20)))


main()

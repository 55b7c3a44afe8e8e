"""Handlers that raise, each in its own way."""

import json


class OutOfStock(Exception):
    pass


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def raises(payload):
    raise OutOfStock("no more of 7")


def raises_from_a_cause(payload):
    try:
        json.loads("{")
    except ValueError as error:
        raise OutOfStock("cannot read the stock") from error


def raises_a_group(payload):
    raise ExceptionGroup("two orders", [OutOfStock("first"), ValueError("second")])


def raises_unspeakable(payload):
    raise Unspeakable


def raises_keyboard_interrupt(payload):
    raise KeyboardInterrupt


def raises_with_odd_text(payload):
    raise ValueError("file \udcff\udcfe.csv")


def recurses(payload):
    return recurses(payload)

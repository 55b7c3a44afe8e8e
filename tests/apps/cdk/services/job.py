"""The job of the construct's examples with more props."""


def main(payload: dict[str, int]) -> dict[str, int]:
    """The square of a number."""
    print(f"squaring {payload['number']}")
    return {"square": payload["number"] ** 2}

"""Says the square root of the payload's number."""

import json
import math
import os
import sys

payload = json.loads(os.environ["SST_PAYLOAD"])
number = payload["number"]
if number < 0:
    print(f"{number} has no square root", file=sys.stderr)
    sys.exit(3)
print(f"Square root of {number} is {math.sqrt(number)}")

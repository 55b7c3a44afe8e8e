"""The command of SST's example of a container job."""

import json
import math
import os

payload = json.loads(os.environ["SST_PAYLOAD"])
number = payload["number"]
print(f"Square root of {number} is {math.sqrt(number)}")

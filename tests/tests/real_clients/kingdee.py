"""Makes calls with Kingdee's own SDK and prints each answer as it came, one per line.

usage: kingdee.py SERVER_URL ACCT_ID USER APP_ID APP_SECRET CALLS

CALLS is a JSON array of calls, each an array: the SDK's method, then its arguments. They are made one after another by
the same SDK object, so that the later ones name the session that the first was given.
"""

import json
import sys

from k3cloud_webapi_sdk.main import K3CloudApiSdk

server_url, acct_id, user, app_id, app_secret, calls = sys.argv[1:]
sdk = K3CloudApiSdk(server_url)
sdk.InitConfig(acct_id, user, app_id, app_secret, server_url, 2052, 100)
for method, *arguments in json.loads(calls):
    print(getattr(sdk, method)(*arguments))

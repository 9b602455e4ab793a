"""Calls a method of WDT through Qimen's router with the SDK of Taobao's open platform and prints the answer as JSON.

usage: wdt.py ROUTER_URL APP_KEY APP_SECRET METHOD PARAMETERS

PARAMETERS is a JSON object: what is sent beside what the SDK adds by itself.
"""

import json
import sys
from urllib.parse import urlsplit

import top
import top.api.base

router_url, app_key, app_secret, method, parameters = sys.argv[1:]
router = urlsplit(router_url)
top.api.base.N_REST = router.path


class Call(top.api.base.RestApi):
    def getapiname(self):
        return method


call = Call(router.hostname, router.port or 80)
call.set_app_info(top.appinfo(app_key, app_secret))
# The SDK sends the attributes of the object.
vars(call).update(json.loads(parameters))
print(json.dumps(call.getResponse(), ensure_ascii=False))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Print the SPDX 2.3 document of a release from its manifest.

    sbom.py MANIFEST SECONDS    (Unix time of the commit)
"""
import datetime
import hashlib
import json
import re
import sys

path, seconds = sys.argv[1], int(sys.argv[2])
raw = open(path, "rb").read()
lines = [line.split(" ", 2) for line in raw.decode("ascii").splitlines()[1:]]
digest = hashlib.sha256(raw).hexdigest()


def identifier(kind, name):
    return "SPDXRef-" + kind + "-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


own = "SPDXRef-pcc-node"
packages = [{
    "SPDXID": own,
    "name": "pcc-node",
    "downloadLocation": "NOASSERTION",
    "filesAnalyzed": False,
    "licenseConcluded": "Apache-2.0",
    "licenseDeclared": "Apache-2.0",
    "copyrightText": "NOASSERTION",
    "versionInfo": digest[:16],
}]
files, relations = [], [("SPDXRef-DOCUMENT", "DESCRIBES", own)]
for section, name, value in lines:
    if section == "library":
        one = identifier("Package", name)
        packages.append({
            "SPDXID": one,
            "name": name,
            "versionInfo": value,
            "supplier": "Organization: Debian",
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION",
            "copyrightText": "NOASSERTION",
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": f"pkg:deb/debian/{name}@{value}",
            }],
        })
        relations.append((own, "DYNAMIC_LINK", one))
    elif section == "file":
        one = identifier("File", name)
        files.append({
            "SPDXID": one,
            "fileName": "./" + name,
            "checksums": [{"algorithm": "SHA256", "checksumValue": value}],
            "licenseConcluded": "Apache-2.0",
            "copyrightText": "NOASSERTION",
        })
        relations.append((own, "CONTAINS", one))

created = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
json.dump({
    "spdxVersion": "SPDX-2.3",
    "dataLicense": "CC0-1.0",
    "SPDXID": "SPDXRef-DOCUMENT",
    "name": "pcc-node",
    "documentNamespace": "https://spdx.org/spdxdocs/pcc-node-" + digest,
    "creationInfo": {
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "creators": ["Tool: sbom.py"],
    },
    "packages": packages,
    "files": files,
    "relationships": [{
        "spdxElementId": a,
        "relationshipType": kind,
        "relatedSpdxElement": b,
    } for a, kind, b in relations],
}, sys.stdout, indent=1, sort_keys=True)
print()

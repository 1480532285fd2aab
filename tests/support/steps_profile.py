"""A profile with steps: who logs in reads with the token of the answer, beside a request by itself."""

from __future__ import annotations

from typing import Final

__all__ = ["WITH_STEPS"]

WITH_STEPS: Final = """\
name: x
start: [run]
port: 8000
expect: {status: [200, 204]}
values:
  user: {one_of: [ada, bob]}
requests:
  - name: list
    weight: 3
    path: /items
  - steps:
      - name: log in
        method: POST
        path: /login
        json: {user: "{{user}}", password: "${PASSWORD}"}
        expect: {status: 201}
        capture:
          token: {json: $.token}
          number: {regex: 'id="(\\d{1,9})"'}
      - name: account
        path: /accounts/{{number}}
        headers: {Authorization: "Bearer {{token}}"}
"""

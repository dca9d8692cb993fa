// Required by node before a client whose host is fixed in its code: what it
// sends to api.flattr.com goes to the ledger that FLATTR_LEDGER names.
"use strict";
const http = require("http");
const https = require("https");

const ledger = new URL(process.env.FLATTR_LEDGER);
const secure = https.request;

https.request = function (options, ...rest) {
  const host = options.hostname || options.host;
  if (host !== "api.flattr.com") return secure.call(this, options, ...rest);
  const { agent, ...same } = options; // an agent is for https alone
  return http.request({ ...same, protocol: "http:", host: ledger.hostname, hostname: ledger.hostname, port: ledger.port }, ...rest);
};

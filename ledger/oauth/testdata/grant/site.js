// A site whose visitors sign in with Flattr: grant as it comes from the
// registry, with the provider "flattr" that it has built in. Only the two
// addresses are set, to the ledger that is tested.
//
// Arguments: the ledger's origin, client id and secret, and more of the
// provider's configuration as JSON. It prints the address it listens on.
"use strict";

const express = require("express");
const session = require("express-session");
const grant = require("grant").express();

const [ledger, key, secret, more] = process.argv.slice(2);

const app = express();
const server = app.listen(0, "127.0.0.1", () => {
  const origin = `http://127.0.0.1:${server.address().port}`;
  const options = { secret: "only for this test", resave: false, saveUninitialized: true };
  app.use(session({ ...options, name: "site" }));
  app.use(
    grant({
      defaults: { origin, transport: "session", state: true },
      flattr: {
        authorize_url: `${ledger}/oauth/authorize`,
        access_url: `${ledger}/oauth/token`,
        key,
        secret,
        scope: ["flattr", "thing"],
        callback: "/signed-in",
        ...JSON.parse(more),
      },
    }),
  );
  app.get("/signed-in", async (req, res) => {
    const { access_token: token, error, raw } = req.session.grant?.response ?? {};
    if (!token) return res.status(401).json({ error: error ?? "no answer" });
    const headers = { Authorization: `Bearer ${token}` };
    const asked = await fetch(`${ledger}/rest/v2/user`, { headers });
    res.json({ token, raw, status: asked.status, user: await asked.json() });
  });
  console.log(origin);
});

// It ends with the test that started it.
process.stdin.resume().on("end", () => process.exit(0));

// OpenID Connect providers for check.py, which starts this file and steers it, line by line:
//
//   node provider.mjs ISSUERS CERTIFICATE KEY
//
// ISSUERS is JSON: [{"name", "tls", "alg", "scopeClaim"}, ...]; the answer to it is one line of JSON, the addresses.
// Then, on standard input, and each answered by one line of JSON:
//
//   keys NAME KEY...   publishes these keys, made when they are first named, and signs with the first
//   down NAME, up NAME takes an issuer off the network, and puts it back at the same address
//   fetches NAME       how often its discovery document and its keys were fetched
//
// A client's name says what is in its tokens: `worker-1.nyby` speaks for that municipality, `expired.nyby` gets
// tokens of an hour ago.
import { generateKeyPairSync, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

// What goes to standard output is an answer; the providers' own notices are none.
console.info = console.warn;

const SECRET = 'invented';
const CLIENTS = ['expired', 'reader', 'worker-1', 'worker-2', 'worker-3', 'worker-4', 'worker-5', 'worker-6'];
const MUNICIPALITIES = ['noerrelund', 'nyby'];
const SCOPES = 'med.progress med.read';

const [issuers, certificate, key] = process.argv.slice(2);
const tls = { cert: readFileSync(certificate), key: readFileSync(key) };

function makeKey(alg, kid) {
  const [type, options] = {
    RS: ['rsa', { modulusLength: 2048 }],
    PS: ['rsa', { modulusLength: 2048 }],
    ES: ['ec', { namedCurve: 'P-256' }],
    Ed: ['ed25519', {}],
  }[alg.slice(0, 2)];
  return { ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

class Issuer {
  #keys = new Map();

  #fetches = { discovery: 0, keys: 0 };

  constructor({ name, tls: isSecure, alg, scopeClaim }) {
    Object.assign(this, { name, alg, scopeClaim, scheme: isSecure ? 'https' : 'http' });
    this.server = isSecure ? https.createServer(tls) : http.createServer();
    this.server.on('request', (request, response) => {
      if (request.url === '/.well-known/openid-configuration') this.#fetches.discovery += 1;
      if (request.url === '/jwks') this.#fetches.keys += 1;
      this.answer(request, response);
    });
  }

  get url() {
    return `${this.scheme}://127.0.0.1:${this.port}`;
  }

  async up() {
    // The first port is any below those that the system gives to clients: one of them could take it while this is down.
    for (;;) {
      const port = this.port ?? randomInt(10000, 32768);
      try {
        this.server.listen(port, '127.0.0.1');
        await once(this.server, 'listening');
        this.port = port;
        return;
      } catch (error) {
        if (error.code !== 'EADDRINUSE' || this.port) throw error;
      }
    }
  }

  async down() {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  // A provider takes its keys when it is made, so that other keys are another provider at the same address.
  keys(...names) {
    for (const name of names) if (!this.#keys.has(name)) this.#keys.set(name, makeKey(this.alg, `${this.name}-${name}`));
    this.answer = this.#provider(names.map((name) => this.#keys.get(name))).callback();
  }

  fetches() {
    return this.#fetches;
  }

  #provider(keys) {
    return new Provider(this.url, {
      jwks: { keys },
      clients: CLIENTS.flatMap((client) => MUNICIPALITIES.map((municipality) => ({
        client_id: `${client}.${municipality}`,
        client_secret: SECRET,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: this.alg,
      }))),
      enabledJWA: { idTokenSigningAlgValues: [this.alg] },
      clientAuthMethods: ['client_secret_basic'],
      scopes: SCOPES.split(' '),
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_context, audience) => ({
            audience,
            scope: SCOPES,
            accessTokenFormat: 'jwt',
            accessTokenTTL: 1800, // Longer than the check, less than `expired` takes away.
            jwt: { sign: { alg: this.alg } },
          }),
        },
      },
      extraTokenClaims: (_context, token) => ({ municipality: token.clientId.split('.')[1] }),
      formats: {
        customizers: {
          jwt: (_context, token, { payload }) => {
            if (token.clientId.startsWith('expired.')) {
              payload.iat -= 3600;
              payload.exp -= 3600;
            }
            // As Keycloak has it: the scopes are roles, in an object.
            if (this.scopeClaim) {
              payload[this.scopeClaim] = { roles: payload.scope.split(' ').map((scope) => scope.replace('med.', '')) };
              delete payload.scope;
            }
          },
        },
      },
    });
  }
}

const all = new Map();
for (const description of JSON.parse(issuers)) {
  const issuer = new Issuer(description);
  await issuer.up();
  issuer.keys('first');
  all.set(issuer.name, issuer);
}
console.log(JSON.stringify(Object.fromEntries([...all].map(([name, issuer]) => [name, issuer.url]))));

for await (const line of createInterface({ input: process.stdin })) {
  const [command, name, ...words] = line.split(' ');
  const answer = await all.get(name)[command](...words);
  console.log(JSON.stringify(answer ?? null));
}
process.exit(); // Whoever steered this is gone.

// A real OpenID provider (npm oidc-provider) for the tests of signing in, and a line of ours before it that can
// bend what it says, to see whether that is noticed.
//
//   node oidc.mjs PORT BACK
//
// Whoever signs in is who they say they are. POST /_test/person {"sub", …claims} says more of somebody,
// POST /_test/bend {"how"} bends the next answer of the token endpoint, POST /_test/rotate exchanges the key.
import { createPublicKey, createSign, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [port, back] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const people = new Map();
let bend = '';
let keys = 0;

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const meta = { kid: `key-${++keys}`, use: 'sig', alg: 'RS256' };
  return { privateKey, kid: meta.kid, jwk: { ...privateKey.export({ format: 'jwk' }), ...meta },
    open: { ...createPublicKey(privateKey).export({ format: 'jwk' }), ...meta } };
}
const first = newKey();
let current = first;

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'kinora', client_secret: 'a-secret-of-the-tests', redirect_uris: [back],
    post_logout_redirect_uris: [new URL('/', back).href], response_types: ['code'], grant_types: ['authorization_code'],
  }],
  pkce: { required: () => true },
  jwks: { keys: [first.jwk] },
  cookies: { keys: ['a-key-of-the-tests'] },
  scopes: ['openid', 'email', 'profile'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true }, userinfo: { enabled: true } },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, email: `${sub}@example.org`, email_verified: true, name: `${sub} of the provider`, ...people.get(sub) }),
  }),
});
const answer = provider.callback();

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function sign(claims, key, header = {}) {
  const text = `${part({ alg: 'RS256', typ: 'JWT', kid: key.kid, ...header })}.${part(claims)}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key.privateKey, 'base64url')}`;
}

function bent(token) {
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
  const how = bend;
  bend = '';
  switch (how) {
    case 'none': return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`;
    case 'forged': return sign(claims, { ...newKey(), kid: current.kid });
    case 'nonce': return sign({ ...claims, nonce: 'of-somebody-else' }, current);
    case 'no-nonce': return sign({ ...claims, nonce: undefined }, current);
    case 'audience': return sign({ ...claims, aud: 'another-site' }, current);
    case 'issuer': return sign({ ...claims, iss: 'https://another.example' }, current);
    case 'expired': return sign({ ...claims, exp: Math.floor(Date.now() / 1000) - 60 }, current);
    case 'subject': return sign({ ...claims, sub: 'somebody-else' }, current);
    case '': return current === first ? token : sign(claims, current);
    default: throw new Error(how);
  }
}

const body = async (req) => {
  let text = '';
  for await (const chunk of req) text += chunk;
  return text ? JSON.parse(text) : {};
};

createServer(async (req, res) => {
  const path = req.url.split('?')[0];
  if (path.startsWith('/_test/')) {
    const sent = await body(req);
    if (path.endsWith('/person')) people.set(sent.sub, sent);
    if (path.endsWith('/bend')) bend = sent.how;
    if (path.endsWith('/rotate')) current = newKey();
    res.end('ok');
  } else if (path === '/jwks') {
    res.setHeader('content-type', 'application/jwk-set+json');
    res.end(JSON.stringify({ keys: [current.open] }));
  } else if (path === '/token') {
    const parts = [];
    const end = res.end.bind(res);
    res.write = (chunk) => parts.push(Buffer.from(chunk));
    res.end = (chunk) => {
      if (chunk) parts.push(Buffer.from(chunk));
      const told = JSON.parse(Buffer.concat(parts).toString());
      if (told.id_token) told.id_token = bent(told.id_token);
      const text = JSON.stringify(told);
      res.setHeader('content-length', Buffer.byteLength(text));
      end(text);
    };
    answer(req, res);
  } else {
    answer(req, res);
  }
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));

// What runs in the browser: the published client with its plugin for passkeys, where the tests can reach it.

import { passkeyClient } from '@better-auth/passkey/client';
import { createAuthClient } from 'better-auth/client';

globalThis.auth = createAuthClient({
  baseURL: `${location.origin}/api/v1/auth`,
  plugins: [passkeyClient()],
});

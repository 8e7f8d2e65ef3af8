import { basename } from 'node:path'
import { publicKeyDigest } from '../crypto/data-key-pair.js'
import { suiteOf } from '../crypto/suites.js'
import type { SecretsFile } from '../secrets-file/parse.js'
import { currentPair } from '../secrets-file/scopes.js'
import { htmlDocument } from './document.js'
import { html, NOTHING } from './html.js'
import type { Recipient } from './recipient.js'

const ENTRY_FORM = html`<form id="form" autocomplete="off">
  <h2>2. Enter the secret</h2>
  <p>
    <label for="name">Name</label
    ><input
      id="name"
      required
      spellcheck="false"
      autocapitalize="off"
      placeholder="DB_PASSWORD"
      aria-describedby="name-help"
    /><span id="name-help" class="help"
      >The name of the entry. It becomes part of the encryption and cannot be changed
      afterwards.</span
    >
  </p>
  <p>
    <label for="value">Value</label
    ><textarea
      id="value"
      rows="4"
      spellcheck="false"
      autocapitalize="off"
      aria-describedby="value-help"
    ></textarea
    ><span id="value-help" class="help"
      >Sealed exactly as shown, without a line break at the end.</span
    >
  </p>
  <p>
    <label for="file">Or a file</label
    ><input id="file" type="file" aria-describedby="file-help" /><span id="file-help" class="help"
      >Sealed byte for byte. You can also drop a file onto this page.</span
    >
  </p>
  <p><button type="submit">Seal</button></p>
</form>`

const RESULT = html`<section id="result" aria-labelledby="result-title" hidden>
  <h2 id="result-title" tabindex="-1">3. Send this back</h2>
  <p>The input is cleared. The text below contains the value in encrypted form only.</p>
  <p>
    <label for="token">Token</label><textarea id="token" rows="5" readonly></textarea
    ><button type="button" data-copies="token">Copy the token</button>
  </p>
  <p>
    <label for="line">Line for the secrets file</label
    ><textarea id="line" rows="5" readonly></textarea
    ><button type="button" data-copies="line">Copy the line</button>
  </p>
  <p>The recipient adds it with <code id="command"></code>.</p>
</section>`

/**
 * Returns an HTML page that seals values to the current data key pair of a secrets file, in the
 * browser. It contains the public key, and nothing that decrypts.
 *
 * @returns the page, and the pin of its public key: `sha256:` and 64 hex digits.
 * @throws KmsBuildError SCOPE_UNKNOWN.
 */
export async function sealPage(
  file: SecretsFile,
  scope?: string,
): Promise<{ html: string; pin: string }> {
  const pair = currentPair(file, scope)
  const suite = suiteOf(pair)
  const pin = publicKeyDigest(pair.publicKey)
  const recipient: Recipient = {
    publicKey: pair.publicKey.toString('base64'),
    pin,
    scope: pair.scope,
  }
  const name = basename(file.path)
  const context = Object.entries(pair.encryptionContext)
  const document = await htmlDocument({
    title: `Seal a secret for ${name}`,
    script: suite === 'P-256' ? 'seal' : 'seal-ml-kem',
    data: recipient,
    body: html`<main class="narrow">
      <h1>Seal a secret</h1>
      <p>
        This page encrypts a value for <strong>${name}</strong>. Only the holders of its KMS key can
        decrypt the result. The page loads nothing, sends nothing and stores nothing. You can
        disconnect from the network before you use it.
      </p>
      <noscript
        ><p class="finding">This page needs JavaScript: it encrypts in your browser.</p></noscript
      >
      <section aria-labelledby="check">
        <h2 id="check">1. Check the recipient</h2>
        <p>
          Compare these words or digits, by telephone for example, with what
          <code>unplugin-kms page</code> printed.
        </p>
        <ol id="words" class="words" aria-label="Pin in words"></ol>
        <details>
          <summary>Pin in digits</summary>
          <p><code id="digits" class="digits">${pin}</code></p>
        </details>
        <dl class="facts">
          <div>
            <dt>Scope</dt>
            <dd>${pair.scope}</dd>
          </div>
          <div>
            <dt>Public key</dt>
            <dd>${suite === 'P-256' ? suite : `${suite} (post-quantum)`}</dd>
          </div>
          ${
            context.length
              ? html`<div>
                  <dt>Encryption context</dt>
                  <dd>${context.map(([key, value]) => html`<code>${key}=${value}</code> `)}</dd>
                </div>`
              : NOTHING
          }
        </dl>
      </section>
      ${ENTRY_FORM}
      <p id="problem" class="finding" role="alert" hidden></p>
      ${RESULT}
      <p id="status" role="status" class="help"></p>
    </main>`,
  })
  return { html: document, pin }
}

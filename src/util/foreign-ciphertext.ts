/** A value that another tool has encrypted, or that refers to one. */
export interface ForeignCiphertext {
  /** Such as "a dotenvx ciphertext". */
  what: string
  /** The command that prints the plaintext. */
  command: string
}

interface Format extends ForeignCiphertext {
  pattern: RegExp
}

const BASE64 = '[A-Za-z0-9+/]'

/** Formats that a password, a key or a certificate never has. Matched against a value in Latin-1. */
const FORMATS: Format[] = [
  {
    what: 'a dotenvx ciphertext',
    pattern: new RegExp(`(?:^|^\\s*(?:export\\s+)?[\\w.-]+=["']?)encrypted:${BASE64}{20}`, 'm'),
    command: 'npx dotenvx decrypt',
  },
  {
    what: 'a sops ciphertext',
    pattern: /ENC\[AES256_GCM,data:/,
    command: 'sops decrypt FILE',
  },
  {
    what: 'a hiera-eyaml ciphertext',
    pattern: /^\s*ENC\[(?:PKCS7|GPG),/,
    command: 'eyaml decrypt -s VALUE',
  },
  {
    what: 'an Ansible Vault ciphertext',
    pattern: /^\s*(?:!vault\s+\|?\s*)?\$ANSIBLE_VAULT;\d/,
    command: 'ansible-vault view FILE',
  },
  {
    what: 'a git-crypt ciphertext',
    pattern: /^\0GITCRYPT\0/,
    command: 'git-crypt unlock',
  },
  {
    what: 'an age ciphertext',
    pattern: /^\s*(?:age-encryption\.org\/v\d|-----BEGIN AGE ENCRYPTED FILE-----)/,
    command: 'age --decrypt -i KEY_FILE FILE',
  },
  {
    what: 'a PGP message',
    pattern: /^\s*-----BEGIN PGP MESSAGE-----/,
    command: 'gpg --decrypt FILE',
  },
  {
    what: 'an OpenSSL ciphertext',
    pattern: /^(?:Salted__|U2FsdGVkX1[89+])/,
    command: 'openssl enc -d',
  },
  {
    what: 'a HashiCorp Vault transit ciphertext',
    pattern: new RegExp(`^vault:v\\d+:${BASE64}{16}`),
    command: 'vault write transit/decrypt/KEY ciphertext=VALUE',
  },
  {
    what: 'an ejson ciphertext',
    pattern: /(?:^|")EJ\[1:/,
    command: 'ejson decrypt FILE',
  },
  {
    what: 'a Jasypt ciphertext',
    pattern: new RegExp(`^ENC\\(${BASE64}{16}.*\\)$`),
    command: 'the decrypt script of Jasypt',
  },
  {
    what: 'a Spring Cloud Config ciphertext',
    pattern: /^\{cipher\}/,
    command: 'spring decrypt VALUE',
  },
  {
    what: 'a Laravel ciphertext',
    pattern: new RegExp(`^eyJpdiI6I${BASE64}{40}`),
    command: 'php artisan env:decrypt',
  },
  {
    what: 'a KMS CiphertextBlob, as kms:Encrypt returns it and SSM stores a SecureString',
    pattern: new RegExp(`^(?:AQ[EI]CAH${BASE64}{60}|\\x01[\\x01\\x02]\\x02\\0\\x78)`),
    command:
      'aws kms decrypt (or mark it as secret.ciphertext(BLOB, CONTEXT), or secret.ssm(NAME))',
  },
  {
    what: 'an AWS Encryption SDK message',
    pattern: new RegExp(`^(?:AgV4|AgR4|AYAD)${BASE64}{60}`),
    command: 'aws-encryption-cli --decrypt',
  },
  {
    what: 'a 1Password reference',
    pattern: /^op:\/\/[^\s/]+\/[^\s/]+\/\S+$/,
    command: 'op read REFERENCE (or op inject, op run)',
  },
]

/** The start of a value is enough for a header; a file of sops may be long before its first value. */
const WINDOW = 1 << 20

/** Recognizes the ciphertext of another tool, which would be sealed in place of the secret. */
export function foreignCiphertext(value: string | Uint8Array): ForeignCiphertext | undefined {
  const text =
    typeof value === 'string'
      ? value.slice(0, WINDOW)
      : Buffer.from(value.buffer, value.byteOffset, Math.min(value.length, WINDOW)).toString(
          'latin1',
        )
  return FORMATS.find(({ pattern }) => pattern.test(text))
}

/** Returns what to do about it, for the end of an error message. */
export const decryptFirst = ({ what, command }: ForeignCiphertext) =>
  `is ${what}, not the secret itself. Decrypt it first: ${command}.`

const utf16 = (text: string) => Buffer.from(text, 'utf16le')
const BASE64 = Buffer.alloc(120, 'x').toString('base64')

/** Values that a reader, a shell or an encoding may change on the way. Strings, or bytes that are none. */
export const DIFFICULT: Record<string, string | Buffer> = {
  'a single quote and a hash': "it's#horse1-battery",
  'a double quote and a hash': 'p"w#x-battery',
  'a space and a hash': 'correct horse#battery',
  'a hash in front': '#horse-battery',
  'a hash after a space': 'correct #horse-battery',
  'a dollar sign': 'Xk9$ecret42!planted',
  'a variable': 'correct-${HOME}-$HOME-horse',
  'a command': 'correct-$(id)-`id`-horse',
  'all quotes': `correct'"\`horse`,
  'quotes around it': '"correct horse"',
  'single quotes around it': "'correct horse'",
  backslashes: 'C:\\new\\temp\\$dir',
  'a backslash at the end': 'correct-horse\\',
  'an escape, spelled out': 'correct\\nhorse\\"battery',
  'a line break': 'correct\nhorse battery',
  'a Windows line break': 'correct\r\nhorse battery',
  'a carriage return': 'correct\rhorse battery',
  'a line break at the end': 'correct horse battery\n',
  'line breaks at both ends': '\n\ncorrect horse\n\n',
  'spaces at both ends': '  correct horse  ',
  'a tab at both ends': '\tcorrect\thorse\t',
  'no-break spaces at both ends': '\u00a0correct horse\u00a0',
  'a line separator': 'correct\u2028horse\u2029',
  'a byte order mark in front': '\ufeffcorrect horse',
  'a byte order mark inside': 'correct\ufeffhorse',
  'UTF-16 with a byte order mark': Buffer.concat([Buffer.of(0xff, 0xfe), utf16('correct horse')]),
  'UTF-16 without one': utf16('correct horse'),
  'bytes that are not UTF-8': Buffer.from('ff00fe80c328636f7272656374', 'hex'),
  'a NUL': 'correct\0horse',
  'a lone surrogate': 'correct\ud800horse',
  'a replacement character': 'correct\ufffdhorse',
  'an emoji sequence': '👩‍👩‍👧 e\u0301 名前 ключ',
  'a terminal escape': 'correct\u001b[2Khorse',
  'large digits': '12345678901234567890',
  'a decimal': '1.10000000000000000',
  'a JSON literal': 'null\t',
  'a JSON object': '{"a": 1.10, "b": "\\u0041"}',
  'an assignment': 'correct=horse=battery',
  'an option': '--correct-horse',
  'percent and HTML escapes': 'correct%41&amp;horse',
  '1 MB': 'correct horse '.repeat(75_000),
  'a private key': `-----BEGIN PRIVATE KEY-----\n${BASE64.slice(0, 64)}\nabcd=\n-----END PRIVATE KEY-----\n`,
  'a dotenvx ciphertext': `encrypted:${BASE64}`,
  'a sops ciphertext': 'ENC[AES256_GCM,data:8Iu1,iv:abc=,tag:def=,type:str]',
  'an Ansible Vault ciphertext': '$ANSIBLE_VAULT;1.1;AES256\n6638643965',
  'an age ciphertext':
    '-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n',
  'a git-crypt ciphertext': Buffer.from('\0GITCRYPT\0\x01\x02\xff', 'latin1'),
  'a PGP message': '-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----\n',
  'a CiphertextBlob': `AQICAH${BASE64}`,
  'a Vault transit ciphertext': `vault:v1:${BASE64}`,
  'a sealed token': `kms:v1:${BASE64}`,
}

/** The values that another tool encrypted, or that are sealed already: rejected by every entrance. */
export const CIPHERTEXTS = [
  'a dotenvx ciphertext',
  'a sops ciphertext',
  'an Ansible Vault ciphertext',
  'an age ciphertext',
  'a git-crypt ciphertext',
  'a PGP message',
  'a CiphertextBlob',
  'a Vault transit ciphertext',
  'a sealed token',
]

export const isText = (value: string | Buffer): value is string => typeof value === 'string'

/** Runs a few at a time, since each waits for a process. */
export async function fewAtATime<T>(tasks: (() => Promise<T>)[], few = 4): Promise<T[]> {
  const results: T[] = []
  const work = async (first: number) => {
    for (let at = first; at < tasks.length; at += few) results[at] = await tasks[at]!()
  }
  await Promise.all(Array.from({ length: few }, (_, first) => work(first)))
  return results
}

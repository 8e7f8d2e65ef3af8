/** Form in which a value reaches the program: a string, raw bytes, or parsed JSON. */
export type Format = 'text' | 'bytes' | 'json'

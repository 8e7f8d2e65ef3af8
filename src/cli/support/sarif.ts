interface Finding {
  rule: 'plaintext' | 'plaintext-literal' | 'leftover'
  text: string
  file: string
  line?: number
  column?: number
}

const RULES = {
  plaintext: 'A file contains the plaintext of a secret',
  'plaintext-literal': 'A source contains a secret as a plaintext literal',
  leftover: 'A file contains a mark that was never transformed, or an import of the shim',
}

/** Returns findings in SARIF 2.1.0, for code scanning services. */
export const sarif = (findings: Finding[], version: string) => ({
  $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
  version: '2.1.0',
  runs: [
    {
      tool: {
        driver: {
          name: 'unplugin-kms',
          version,
          informationUri: 'https://github.com/unplugin-kms/unplugin-kms',
          rules: Object.entries(RULES).map(([id, text]) => ({ id, shortDescription: { text } })),
        },
      },
      results: findings.map(({ rule, text, file, line, column }) => ({
        ruleId: rule,
        level: 'error',
        message: { text },
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: encodeURI(file.replaceAll('\\', '/')) },
              ...(line !== undefined && { region: { startLine: line, startColumn: column ?? 1 } }),
            },
          },
        ],
      })),
    },
  ],
})

export type { Finding }

import type { Command } from '@commander-js/extra-typings'
import { note, print } from '../support/output.js'
import { example, fileOption } from '../support/shared-options.js'

export function addPage(program: Command) {
  const command = program
    .command('page')
    .description(
      'Create an HTML page for people without Node, AWS or a clone. It seals values to the public key of the secrets file, in the browser. Needs no AWS.',
    )
    .addOption(fileOption())
    .option('-o, --out <path>', 'HTML file', 'seal.html')
    .option('--scope <name>', 'scope that the page seals for')
    .action(async ({ file, out, scope }) => {
      const { existingSecretsFile } = await import('../../secrets-file/locate.js')
      const { sealPage } = await import('../../pages/seal-page.js')
      const { pinWords } = await import('../../pages/pin-words.js')
      const { replaceFile } = await import('../../util/replace-file.js')
      const secretsFile = await existingSecretsFile(file === undefined ? {} : { secretsFile: file })
      const { html, pin } = await sealPage(secretsFile, scope)
      await replaceFile(out, html)
      print(`created ${out}`)
      note(`Its pin, to compare with the person who uses the page:\n  ${pin}`)
      const words = await pinWords(pin)
      for (let at = 0; at < words.length; at += 6) note(`  ${words.slice(at, at + 6).join(' ')}`)
      note('Add the token that comes back with: npx unplugin-kms set NAME --token TOKEN')
    })
  example(command, 'npx unplugin-kms page --file kms-secrets.prod.json --out seal.html')
}

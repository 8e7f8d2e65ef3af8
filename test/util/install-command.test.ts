import { describe, expect, it } from 'vitest'
import { installCommand } from '../../src/util/install-command.js'
import { project } from '../support/project.js'

describe('the command that installs a package', () => {
  it.each([
    ['package-lock.json', 'npm install --save-dev x'],
    ['pnpm-lock.yaml', 'pnpm add --save-dev x'],
    ['yarn.lock', 'yarn add --dev x'],
    ['bun.lock', 'bun add --dev x'],
    ['README.md', 'npm install --save-dev x'],
  ])('with %s is %s', async (lockFile, command) => {
    const root = await project({ [lockFile]: '', 'packages/a/src/main.ts': '' })
    expect(installCommand('x', `${root}/packages/a/src`, 'npm/10.8.2 node/v20')).toBe(command)
    expect(installCommand('x', root, '')).toBe(command)
  })

  it('is that of the package manager which runs the process', async () => {
    const root = await project({ 'package-lock.json': '' })
    expect(installCommand('x', root, 'pnpm/10.1.0 npm/? node/v22')).toBe('pnpm add --save-dev x')
    expect(installCommand('x', root, 'yarn/4.9.1 npm/? node/v22')).toBe('yarn add --dev x')
  })
})

import * as babel from '@babel/traverse'

type Traverse = (typeof babel.default)['default']

// The package is CommonJS: Node gives its exports object as `default`, Bun what that holds.
const exported: Traverse | { default: Traverse } = babel.default
export const traverse = typeof exported === 'function' ? exported : exported.default

export * from '@unplugin-kms/runtime/credentials/web-identity'

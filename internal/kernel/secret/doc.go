// Package secret keeps what must not be read by whoever copies the database.
//
// Words: a data key (数据密钥) seals values with SM4-GCM; the key-encryption key (密钥加密密钥, KEK)
// seals the data keys and comes from a file or from a passphrase that the operator types; both kinds
// of key live in the [Ring] (密钥环), one file beside the database that is backed up apart from it.
// The ring also keeps the installation's SM2 signing key (安装签名密钥), whose [Signer.Fingerprint]
// is shown at set-up so that a head signed later can be told from a forged one.
//
// Guarantees: a sealed value opens only for the purpose and the row that it was sealed for, so that
// moving a value to another row or column is found; keys are never written unsealed, except the KEK
// itself when it is kept in a file; [Text] never shows itself in a log, a format verb or JSON.
//
// Failure modes: without the KEK nothing opens and [OpenRing] says so at once; a changed ring file is
// refused; a lost ring file makes every sealed value unreadable for ever, which is why its backup is
// part of every installation.
package secret

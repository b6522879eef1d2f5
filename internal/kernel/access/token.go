package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// tokenSize is 256 bits: nobody guesses it, so a fast hash is enough to store it by.
const tokenSize = 32

// newToken returns a token and what is stored of it.
func newToken() (token, hash string) {
	b := make([]byte, tokenSize)
	_, _ = rand.Read(b)
	token = base64.RawURLEncoding.EncodeToString(b)
	return token, hashToken(token)
}

// hashToken is what is stored of a token.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

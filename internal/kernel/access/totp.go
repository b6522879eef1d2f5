package access

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
)

// One-time codes (动态口令): RFC 6238 with what every authenticator supports.
const (
	totpPeriod = 30 * time.Second
	totpSkew   = 1 // steps to either side, for a telephone whose clock is off
	totpDigits = otp.DigitsSix
)

// newTOTP makes a secret and the address that an authenticator reads from a QR code.
func newTOTP(issuer, login string) (secret, uri string, err error) {
	k, err := totp.Generate(totp.GenerateOpts{Issuer: issuer, AccountName: login, SecretSize: 20})
	if err != nil {
		return "", "", fmt.Errorf("TOTP secret: %w", err)
	}
	return k.Secret(), k.URL(), nil
}

// totpStep returns the step that a code belongs to, when it is later than the last one used: a code
// that was read over a shoulder does not work a second time.
func totpStep(secret, code string, now time.Time, last int64) (int64, bool) {
	at := now.Unix() / int64(totpPeriod/time.Second)
	found := int64(0)
	for step := at - totpSkew; step <= at+totpSkew; step++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(step), hotp.ValidateOpts{Digits: totpDigits, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, false
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && step > last {
			found = step
		}
	}
	return found, found > 0
}

// recoveryCodes is how many single-use codes replace a lost authenticator.
const recoveryCodes = 10

func newRecoveryCodes() []string {
	out := make([]string, recoveryCodes)
	for i := range out {
		b := make([]byte, 10)
		_, _ = rand.Read(b)
		s := strings.ToLower(base32.StdEncoding.EncodeToString(b))
		out[i] = s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
	}
	return out
}

// tidyCode takes out what people type into a code.
func tidyCode(s string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "\u3000", "").Replace(s))
}

// recoveryShaped reports a text that has the length of a recovery code rather than of a TOTP code.
func recoveryShaped(tidied string) bool { return len(tidied) == 16 }

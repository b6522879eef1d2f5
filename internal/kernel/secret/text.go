package secret

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Mask is what stands for a secret wherever it would be shown.
const Mask = "••••"

// Text is a secret that masks itself: it prints, logs and marshals as [Mask]. Only [Text.Reveal]
// gives what it holds, so that a reviewer finds every use by one name.
type Text struct{ s string }

// NewText wraps s.
func NewText(s string) Text { return Text{s: s} }

// Reveal returns the secret.
func (t Text) Reveal() string { return t.s }

// Empty reports whether there is nothing to hide.
func (t Text) Empty() bool { return t.s == "" }

// String implements fmt.Stringer.
func (t Text) String() string { return Mask }

// GoString implements fmt.GoStringer.
func (t Text) GoString() string { return Mask }

// Format implements fmt.Formatter, because verbs such as %x look past String.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Mask)) }

// LogValue implements slog.LogValuer.
func (t Text) LogValue() slog.Value { return slog.StringValue(Mask) }

// MarshalJSON implements json.Marshaler.
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(Mask) }

// MarshalText implements encoding.TextMarshaler, which map keys and YAML use.
func (t Text) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// UnmarshalJSON implements json.Unmarshaler: a secret may come in with a request.
func (t *Text) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &t.s) }

// UnmarshalText implements encoding.TextUnmarshaler: a secret may come in with the configuration.
func (t *Text) UnmarshalText(b []byte) error {
	t.s = string(b)
	return nil
}

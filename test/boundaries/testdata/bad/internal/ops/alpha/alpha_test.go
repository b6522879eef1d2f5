package alpha

import "testing"

func TestNothing(t *testing.T) {
	t.Skip("later") // want no-skip
}

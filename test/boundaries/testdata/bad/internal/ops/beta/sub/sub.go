package sub // want package-comment

// Sub is a part of beta.
func Sub() {}

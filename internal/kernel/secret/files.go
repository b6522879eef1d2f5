package secret

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// createOnce writes a file with mode 0600 unless it exists: the whole content appears at once, and
// of two processes the first one wins.
func createOnce(name string, content []byte) error {
	tmp, err := writeTemp(name, content)
	if err != nil {
		return err
	}
	err = os.Link(tmp, name)
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	return errors.Join(err, os.Remove(tmp), syncDir(name))
}

// replace swaps a file's content at once.
func replace(name string, content []byte) error {
	tmp, err := writeTemp(name, content)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, name); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return syncDir(name)
}

func writeTemp(name string, content []byte) (string, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*") // mode 0600
	if err != nil {
		return "", err
	}
	_, werr := f.Write(content)
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

func syncDir(name string) error {
	d, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lockFile keeps two processes from changing the ring at once.
func lockFile(name string) (unlock func() error, err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil // closing releases the lock
}

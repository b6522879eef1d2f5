package access_test

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		admin := b.setUp()
		id, _ := admin.join("wang", grant("engineer"))
		for name, c := range map[string]struct {
			login, password string
			status          int
			code            string
		}{
			"right":              {"wang", goodPassword, http.StatusOK, ""},
			"typed differently":  {" ＷＡＮＧ ", goodPassword, http.StatusOK, ""},
			"wrong password":     {"wang", "wrong password 1A", http.StatusUnauthorized, "bad_credentials"},
			"nobody":             {"nobody", goodPassword, http.StatusUnauthorized, "bad_credentials"},
			"cut at a character": {"wang", goodPassword[:len(goodPassword)-1], http.StatusUnauthorized, "bad_credentials"},
		} {
			_, a := b.signIn(c.login, c.password)
			if a.status != c.status || c.code != "" && a.body["code"] != c.code {
				t.Errorf("%s: %d %s", name, a.status, a.raw)
			}
		}
		admin.post("/access/accounts/"+id+"/disable", fields{"reason": "休假"}).ok()
		_, a := b.signIn("wang", goodPassword)
		a.refused(http.StatusUnauthorized, "bad_credentials")
		if b.count("access.sign_in.failed") != 4 {
			t.Errorf("journal %v", b.types())
		}
	})
}

// A browser that signs in again leaves no session behind.
func TestSignInReplacesSession(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		old := *w
		w.post("/access/sign-in", fields{"login": "admin", "password": goodPassword}).ok()
		if w.cookie == old.cookie {
			t.Fatal("the token did not change")
		}
		old.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
		w.get("/me").ok()
		w.post("/access/sign-out", nil).ok()
		if w.cookie != "" {
			t.Error("the cookie stayed")
		}
		w.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
	})
}

func TestBruteForceOfOneLogin(t *testing.T) {
	t.Parallel()
	for _, login := range []string{"admin", "nobody"} {
		t.Run(login, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, b *bench) {
				b.setUp()
				for range 5 {
					_, a := b.signIn(login, "wrong password 1A")
					a.refused(http.StatusUnauthorized, "bad_credentials")
				}
				_, a := b.signIn(login, goodPassword) // the right one does not help while locked
				a.refused(http.StatusTooManyRequests, "locked")
				if n, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || n < 1 || n > 16 {
					t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
				}
				b.step(16 * time.Second)
				_, a = b.signIn(login, "wrong password 1A")
				a.refused(http.StatusUnauthorized, "bad_credentials")
				b.step(16 * time.Second) // the second lock is twice as long
				_, a = b.signIn(login, goodPassword)
				a.refused(http.StatusTooManyRequests, "locked")
				for range 20 { // the lock has a bound
					b.step(15*time.Minute + time.Second)
					_, a = b.signIn(login, "wrong password 1A")
					a.refused(http.StatusUnauthorized, "bad_credentials")
				}
				b.step(15*time.Minute + time.Second)
				if login == "admin" {
					_, a = b.signIn(login, goodPassword)
					a.ok()
					_, a = b.signIn(login, "wrong password 1A") // a success forgets the failures
					a.refused(http.StatusUnauthorized, "bad_credentials")
					_, a = b.signIn(login, goodPassword)
					a.ok()
				}
			})
		})
	}
}

// Guesses sent at the same moment are counted before any of them is looked at.
func TestBruteForceInParallel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.setUp()
		answers := make(chan string, 24)
		for range cap(answers) {
			go func() {
				_, a := b.signIn("admin", "wrong password 1A")
				answers <- fmt.Sprint(a.body["code"])
			}()
		}
		seen := map[string]int{}
		for range cap(answers) {
			seen[<-answers]++
		}
		if seen["bad_credentials"] != 5 || seen["locked"] != cap(answers)-5 {
			t.Errorf("answers %v", seen)
		}
	})
}

func TestBruteForceOfOneAddress(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.setUp()
		at := func(remote, login, password string) answer {
			w := b.browser()
			w.remote = remote
			return w.post("/access/sign-in", fields{"login": login, "password": password})
		}
		for i := range 30 {
			at("10.0.0.9:1", fmt.Sprintf("guess%d", i), "wrong password 1A").refused(http.StatusUnauthorized, "bad_credentials")
		}
		at("10.0.0.9:2", "admin", goodPassword).refused(http.StatusTooManyRequests, "locked")
		at("10.0.0.10:1", "admin", goodPassword).ok()
		b.step(16 * time.Second)
		at("10.0.0.9:3", "admin", goodPassword).ok()
		// One's own success must not buy guesses at others.
		at("10.0.0.9:4", "guess99", "wrong password 1A").refused(http.StatusUnauthorized, "bad_credentials")
		at("10.0.0.9:5", "guess98", "wrong password 1A").refused(http.StatusTooManyRequests, "locked")
		if n := b.count("access.sign_in.failed"); n != 31 {
			t.Errorf("%d failures recorded", n)
		}
	})
}

// enrol enables one-time codes for a browser's person.
func (w *browser) enrol() (key string, recovery []string) {
	w.b.t.Helper()
	key = w.post("/me/totp/begin", nil).ok().text("secret")
	w.key = key
	a := w.post("/me/totp/confirm", fields{"code": w.b.code(key)}).ok()
	for _, c := range a.at("recovery_codes").([]any) {
		recovery = append(recovery, c.(string))
	}
	return key, recovery
}

func (b *bench) code(key string) string {
	b.t.Helper()
	c, err := totp.GenerateCode(key, b.clock.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func TestOneTimeCodes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		w.post("/me/totp/confirm", fields{"code": "123456"}).refused(http.StatusConflict, "conflict")
		key, recovery := w.enrol()
		if len(recovery) != 10 {
			t.Fatalf("%d recovery codes", len(recovery))
		}
		w.post("/me/totp/begin", nil).refused(http.StatusConflict, "conflict")
		try := func(code string) answer {
			return b.browser().post("/access/sign-in", fields{"login": "admin", "password": goodPassword, "totp": code})
		}
		try("").refused(http.StatusUnauthorized, "totp_required")
		try(b.code(key)).refused(http.StatusUnauthorized, "totp_invalid") // used to confirm
		b.step(30 * time.Second)
		try(b.code(key)).ok()
		try(b.code(key)).refused(http.StatusUnauthorized, "totp_invalid") // read over a shoulder
		b.step(30 * time.Second)
		late := b.code(key)
		b.step(25 * time.Second)
		try(late[:3] + " " + late[3:]).ok() // a clock that is a little off, and a blank
		try(recovery[0]).ok()
		try(recovery[0]).refused(http.StatusUnauthorized, "totp_invalid")
		try(recovery[1]).ok()
		w.post("/access/reauthenticate", fields{"password": goodPassword}).refused(http.StatusUnauthorized, "totp_required")
		w.post("/access/reauthenticate", fields{"password": goodPassword, "totp": recovery[2]}).ok()
		w.post("/me/totp/disable", fields{"password": "wrong password 1A"}).refused(http.StatusUnauthorized, "bad_credentials")
		w.post("/me/totp/disable", fields{"password": goodPassword}).ok()
		_, a := b.signIn("admin", goodPassword)
		a.ok()
		if b.count("access.totp.enabled") != 1 || b.count("access.totp.disabled") != 1 {
			t.Errorf("journal %v", b.types())
		}
	})
}

// Whoever knows the password must not be able to wash away failed codes by asking without a code.
func TestBruteForceOfCodes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		key, _ := w.enrol()
		try := func(code string) answer {
			return b.browser().post("/access/sign-in", fields{"login": "admin", "password": goodPassword, "totp": code})
		}
		wrong := "000000"
		if b.code(key) == wrong {
			wrong = "000001"
		}
		guesses := 0
		for range 20 {
			try("")
			if a := try(wrong); a.body["code"] == "totp_invalid" {
				guesses++
			} else {
				a.refused(http.StatusTooManyRequests, "locked")
			}
		}
		if guesses != 5 {
			t.Errorf("%d guesses at codes without a lock", guesses)
		}
	})
}

// The journal takes a bounded number of failures and says how many it left out.
func TestFailuresInJournalAreBounded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.setUp()
		for i := range 90 {
			w := b.browser()
			w.remote = fmt.Sprintf("10.3.%d.7:1", i)
			w.post("/access/sign-in", fields{"login": fmt.Sprintf("who%d", i), "password": "wrong password 1A"}).
				refused(http.StatusUnauthorized, "bad_credentials")
		}
		if n := b.count("access.sign_in.failed"); n < 60 || n > 75 {
			t.Errorf("%d rows of 90 failures", n)
		}
	})
}

func TestPasswordChange(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		w := b.setUp()
		other, a := b.signIn("admin", goodPassword)
		a.ok()
		// A wrong guess is counted and takes no effect, so it does not use the key of the request up.
		w.header.Set("Idempotency-Key", "change-1")
		w.post("/me/password", fields{"current": "wrong password 1A", "next": nextPassword}).refused(http.StatusUnauthorized, "bad_credentials")
		w.post("/me/password", fields{"current": goodPassword, "next": "short"}).refused(http.StatusUnprocessableEntity, "password_weak")
		w.post("/me/password", fields{"current": goodPassword, "next": goodPassword}).refused(http.StatusUnprocessableEntity, "password_weak")
		w.post("/me/password", fields{"current": goodPassword, "next": nextPassword}).ok()
		w.post("/me/password", fields{"current": goodPassword, "next": nextPassword}).refused(http.StatusConflict, "duplicate_request")
		w.get("/me").ok()
		other.get("/me").refused(http.StatusUnauthorized, "unauthenticated")
		_, a = b.signIn("admin", goodPassword)
		a.refused(http.StatusUnauthorized, "bad_credentials")
		_, a = b.signIn("admin", nextPassword)
		a.ok()
	})
}

// A password hashed at a lower cost is hashed anew when it is known, which is at sign-in.
func TestRehash(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.setUp()
		read := func() string {
			var phc string
			if err := b.db.Read().NewSelect().Table("access_account").Column("password_hash").Scan(t.Context(), &phc); err != nil {
				t.Fatal(err)
			}
			return phc
		}
		before := read()
		_, a := b.signIn("admin", goodPassword)
		a.ok()
		if read() != before {
			t.Error("a hash of the same cost was renewed")
		}
		b.raiseCost()
		_, a = b.signIn("admin", goodPassword)
		a.ok()
		after := read()
		if after == before {
			t.Error("the hash was not renewed")
		}
		_, a = b.signIn("admin", goodPassword)
		a.ok()
		if read() != after {
			t.Error("the hash was renewed twice")
		}
	})
}

// A key for repeats never lets anybody in, and what is kept of the request tells nothing of the
// password.
func TestIdempotencyKeyOfSignIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		b.setUp()
		try := func(password string) (*browser, answer) {
			w := b.browser()
			w.header.Set("Idempotency-Key", "the same")
			return w, w.post("/access/sign-in", fields{"login": "admin", "password": password})
		}
		_, a := try(goodPassword)
		a.ok()
		for _, password := range []string{goodPassword, "wrong password 1A"} {
			w, a := try(password)
			a.refused(http.StatusConflict, "duplicate_request")
			if w.cookie != "" {
				t.Error("a repeat was signed in")
			}
		}
		if n := b.rows("store_once"); n != 1 {
			t.Errorf("%d keys", n)
		}
	})
}

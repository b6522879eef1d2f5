// Package reach keeps the ways into hosts that have no agent (登录方式).
//
// Words: a login (登录方式) is an account on a host that checks look over by SSH; the host key
// (主机密钥) is what the host proves itself with; accepting it (确认) is a person saying that they
// compared its fingerprint on the host itself; a jump (跳板机) is a login through which another is
// reached.
//
// Guarantees: nothing is said to a host whose key was not accepted, and a host that shows another key
// is not signed in to, whoever asks; a key is accepted by its fingerprint, and only while the host
// shows it; passwords and private keys are sealed, never shown again, and have to be given anew when
// the login is pointed elsewhere, which also forgets the accepted key; each change is a row of the
// journal in its transaction; a check may only be given a login of the caller's own areas and systems.
//
// Failure modes: a login that is removed while checks use it leaves these UNKNOWN with that reason.
package reach

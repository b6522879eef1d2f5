package builtin

import "testing"

func TestCertificateFilesOfServers(t *testing.T) {
	t.Parallel()
	h := tree(t, map[string]string{
		"etc/nginx/conf.d/tax.conf":              "server {\n  listen 443 ssl;\n  ssl_certificate     /etc/pki/tax.pem;\n  ssl_certificate_key /etc/pki/tax.key;\n  # ssl_certificate /etc/pki/old.pem;\n}\n",
		"etc/httpd/conf.d/ssl.conf":              "SSLCertificateFile \"/etc/pki/tax.pem\"\nSSLCertificateKeyFile /etc/pki/tax.key\n",
		"etc/postgresql/15/main/postgresql.conf": "ssl = on\nssl_cert_file = '/etc/pki/pg.pem'  # x\nssl_key_file = '/etc/pki/pg.key'\n",
		"etc/mysql/mariadb.conf.d/50-server.cnf": "[mysqld]\n#ssl-cert = /etc/pki/no.pem\nssl-cert = server.pem\n",
		"etc/nginx/sites-enabled/odd":            "ssl_certificate $name.pem;\nssl_certificate /etc/pki/broken.pem;\n",
		"etc/pki/broken.pem":                     "no certificate",
		"etc/pki/tax.key":                        "secret",
	})
	_, pem := certify(t, "tax.example", at, at.AddDate(1, 0, 0))
	for _, n := range []string{"etc/pki/tax.pem", "etc/pki/pg.pem", "etc/pki/old.pem", "etc/mysql/mariadb.conf.d/server.pem"} {
		write(t, h, n, string(pem))
	}
	var files []string
	for _, f := range h.certificateFiles() {
		files = append(files, f.Params["file"].(string))
	}
	want := []string{h.at("etc/pki/tax.pem"), h.at("etc/pki/pg.pem"), h.at("etc/mysql/mariadb.conf.d/server.pem")}
	if len(files) != len(want) {
		t.Fatalf("found %q, want %q", files, want)
	}
	for i := range want {
		if files[i] != want[i] {
			t.Errorf("found %q, want %q", files[i], want[i])
		}
	}
}

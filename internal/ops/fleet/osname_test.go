package fleet

import "testing"

func TestOSName(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"debian": {map[string]string{"etc/os-release": "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n"}, "Debian GNU/Linux 12 (bookworm)"},
		"kylin server, service pack in the product file": {map[string]string{
			"etc/os-release":   "NAME=\"Kylin Linux Advanced Server\"\nVERSION=\"V10 (Sword)\"\nID=\"kylin\"\nVERSION_ID=\"V10\"\nPRETTY_NAME=\"Kylin Linux Advanced Server V10 (Sword)\"\n",
			"etc/.productinfo": "Kylin Linux Advanced Server\nrelease V10 (SP2) /(Sword)-x86_64-Build09/20210524\n",
		}, "Kylin Linux Advanced Server V10 (Sword) SP2"},
		"kylin server, service pack in kyinfo": {map[string]string{
			"etc/os-release": "PRETTY_NAME=\"Kylin Linux Advanced Server V10 (Lance)\"\nID=kylin\n",
			"etc/.kyinfo":    "[dist]\nname=Kylin-Server\ndist_id=Kylin-Server-10-SP3-Release-20221125-X86_64\n",
		}, "Kylin Linux Advanced Server V10 (Lance) SP3"},
		"kylin desktop says it itself": {map[string]string{"etc/os-release": "NAME=\"Kylin\"\nPRETTY_NAME=\"Kylin V10 SP1\"\nID=kylin\n", "etc/.kyinfo": "dist_id=Kylin-Desktop-V10-SP1"}, "Kylin V10 SP1"},
		"uos server": {map[string]string{
			"etc/os-release": "PRETTY_NAME=\"UnionTech OS Server 20\"\nNAME=\"UnionTech OS Server 20\"\nVERSION_ID=\"20\"\nID=\"uos\"\n",
			"etc/os-version": "[Version]\nSystemName=UnionTech OS Server\nProductType=Server\nEditionName=e\nMajorVersion=20\nMinorVersion=1060\nOsBuild=12034.100.101\n",
		}, "UnionTech OS Server 20 1060"},
		"openeuler":             {map[string]string{"etc/os-release": "NAME=\"openEuler\"\nVERSION=\"22.03 (LTS-SP3)\"\nID=\"openEuler\"\nPRETTY_NAME=\"openEuler 22.03 (LTS-SP3)\"\n"}, "openEuler 22.03 (LTS-SP3)"},
		"neokylin":              {map[string]string{"etc/neokylin-release": "NeoKylin Linux Advanced Server release V7Update6 (Chromium)\n"}, "NeoKylin Linux Advanced Server release V7Update6 (Chromium)"},
		"centos 6":              {map[string]string{"etc/redhat-release": "CentOS release 6.10 (Final)\n"}, "CentOS release 6.10 (Final)"},
		"only in /usr/lib":      {map[string]string{"usr/lib/os-release": "PRETTY_NAME='Anolis OS 8.8'\n"}, "Anolis OS 8.8"},
		"without a pretty name": {map[string]string{"etc/os-release": "NAME=BCLinux\nVERSION=21.10\n"}, "BCLinux 21.10"},
		"nothing":               {nil, ""},
	} {
		if got := osName(func(f string) string { return tt.files[f] }); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

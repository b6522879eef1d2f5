package spawn

// OnAnOldKernel has programs run as on kernels that neither tell the end of a process by a descriptor
// nor list its children.
func (c Config) OnAnOldKernel() Config {
	c.old = true
	return c
}

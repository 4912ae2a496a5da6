"""How well a potential's conductivities agree with references, compound by compound."""

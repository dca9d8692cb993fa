package flattr

import (
	"strings"
	"testing"
)

// ibans are the examples of the registry for ISO 13616.
var ibans = []string{
	"AD1200012030200359100100", "AT611904300234573201", "BE68539007547034", "CH9300762011623852957", "CY17002001280000001200527600",
	"CZ6508000000192000145399", "DE89370400440532013000", "DK5000400440116243", "EE382200221020145685", "ES9121000418450200051332",
	"FI2112345600000785", "FR1420041010050500013M02606", "GB29NWBK60161331926819", "GR1601101250000000012300695", "HU42117730161111101800000000",
	"IE29AIBK93115212345678", "IS140159260076545510730339", "IT60X0542811101000000123456", "LI21088100002324013AA", "LT121000011101001000",
	"LU280019400644750000", "LV80BANK0000435195001", "MC5811222000010123456789030", "MT84MALT011000012345MTLCAST001S", "NL91ABNA0417164300",
	"NO9386011117947", "PL61109010140000071219812874", "PT50000201231234567890154", "RO49AAAA1B31007593840000", "SE4550000000058398257466",
	"SI56191000000123438", "SK3112000000198742637541", "SM86U0322509800000000270100",
}

func TestIBANsAreChecked(t *testing.T) {
	for _, iban := range ibans {
		if got, err := ReadIBAN(iban); err != nil || got != iban {
			t.Errorf("ReadIBAN(%s) = %s, %v", iban, got, err)
		}
		typed := " " + strings.ToLower(iban[:4]) + " " + iban[4:8] + "\u00a0" + iban[8:] + " "
		if got, err := ReadIBAN(typed); err != nil || got != iban {
			t.Errorf("ReadIBAN(%q) = %s, %v", typed, got, err)
		}
		for i := 4; i < len(iban); i++ { // every wrong digit is found, and every two that are swapped
			if wrong := []byte(iban); wrong[i] <= '9' {
				wrong[i] = '0' + (wrong[i]-'0'+1)%10
				if got, err := ReadIBAN(string(wrong)); err == nil {
					t.Errorf("ReadIBAN(%s) = %s", wrong, got)
				}
			}
			if swapped := []byte(iban); swapped[i-1] <= '9' && swapped[i] <= '9' { // 1B and B1 are the same to mod 97
				swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
				if got, err := ReadIBAN(string(swapped)); err == nil && got != iban {
					t.Errorf("ReadIBAN(%s) = %s", swapped, got)
				}
			}
		}
		for _, wrong := range []string{iban[1:], iban[:len(iban)-1], iban + "0", "XX" + iban[2:], iban[:2] + "ÄÖ" + iban[4:], iban[:5] + "-" + iban[5:]} {
			if got, err := ReadIBAN(wrong); CodeOf(err) != Invalid {
				t.Errorf("ReadIBAN(%s) = %s, %v", wrong, got, err)
			}
		}
	}
	for _, wrong := range []string{"", "DE", "DE8", "<script>", strings.Repeat("DE", 1000), "DE00370400440532013000", "DE\x0089370400440532013000"} {
		if got, err := ReadIBAN(wrong); CodeOf(err) != Invalid {
			t.Errorf("ReadIBAN(%.40q) = %s, %v", wrong, got, err)
		}
	}
	if got := MaskIBAN("DE89370400440532013000"); got != "•••• 3000" {
		t.Errorf("MaskIBAN = %s", got)
	}
}

func TestHoldersAreNames(t *testing.T) {
	if got, err := ReadHolder(" Zoë Müller <x> "); err != nil || got != "Zoë Müller <x>" {
		t.Errorf("ReadHolder = %q, %v", got, err)
	}
	for _, wrong := range []string{"", "  ", "a\nb", strings.Repeat("ü", 71), "\xff"} {
		if got, err := ReadHolder(wrong); CodeOf(err) != Invalid {
			t.Errorf("ReadHolder(%q) = %q, %v", wrong, got, err)
		}
	}
}

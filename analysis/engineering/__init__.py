"""Plant engineering: electricity and its price, compressed air, water, boiler water, steam, gas volumes."""
